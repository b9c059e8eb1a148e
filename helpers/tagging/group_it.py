"""group_it: tag the contact with prefix + field value, creating the tag if needed."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import CrmError, CrmErrorCode, Unsupported
from helpers.rules.config_types import FieldKey, RequiredText
from helpers.rules.tags import find_by_name
from helpers.rules.text import filled_text


class Config(HelperConfig):
    """The two parts of the tag name."""

    field: FieldKey = Field(description="Field whose value ends the tag name.")
    tag_prefix: RequiredText = Field(description="Start of the tag name; spaces are kept.")


class GroupIt(Helper[Config]):
    """Other tags with the same prefix stay; clear_tags in mode prefix removes them."""

    type = "group_it"
    name = "Group It"
    category = "tagging"
    description = "Tag the contact with prefix + field value, creating the tag if needed."
    example = Example(
        config={"field": "plan", "tag_prefix": "Plan: "},
        crm={"contact": {"id": "c1", "custom_fields": {"plan": "Gold"}}, "tags": [{"id": "5", "name": "Plan: Silver"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        value = filled_text(await ctx.read(ctx.config.field)).strip()
        if not value:
            return HelperOutput.no_op(f"{ctx.config.field} is empty")
        name = ctx.config.tag_prefix + value
        created: list[Action] = []
        tag = find_by_name(await ctx.crm.get_tags(), name)
        if tag is None:
            try:
                tag = await ctx.crm.create_tag(name)
                created = [Action(type="tag_created", target=name, value=tag.id)]
            except Unsupported as exc:
                return HelperOutput.failed(f"there is no tag {name!r}, and it cannot be created: {exc}")
            except CrmError as exc:
                # A duplicate name means that another run created the tag between our look and our call.
                if exc.code is not CrmErrorCode.CONFLICT:
                    raise
                tag = find_by_name(await ctx.crm.get_tags(), name)
                if tag is None:
                    raise
        applied = await ctx.apply_tag(tag.id)
        return HelperOutput.ok(f"tagged with {name!r}", actions=[*created, applied])
