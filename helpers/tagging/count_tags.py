"""count_tags: count the tags on this contact into a field."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, OptionalTrimmedText
from helpers.rules.tags import ids_in_category


class Config(HelperConfig):
    """What is counted, and where the count goes."""

    target_field: FieldKey = Field(description="Field that receives the count as text.")
    category: OptionalTrimmedText = Field(
        default=None, description="Count only tags of this tag category, in any case; unset = all tags."
    )


class CountTags(Helper[Config]):
    """Always writes, "0" included."""

    type = "count_tags"
    name = "Count Tags"
    category = "tagging"
    description = "Count the tags on this contact into a field."
    example = Example(
        config={"target_field": "tag_count", "category": "Events"},
        crm={
            "contact": {"id": "c1", "tags": [{"id": "5", "name": "Fair 2026"}, {"id": "6", "name": "VIP"}]},
            "tags": [{"id": "5", "name": "Fair 2026", "category": "Events"}, {"id": "6", "name": "VIP"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        counted = {tag.id for tag in ctx.contact.tags}
        if ctx.config.category is not None:
            counted &= ids_in_category(await ctx.crm.get_tags(), ctx.config.category)
        count = str(len(counted))
        action = await ctx.write(ctx.config.target_field, count)
        return HelperOutput.ok(
            f"counted {count} tags", modified_data={ctx.config.target_field: count}, actions=[action]
        )
