"""found_it: tag / goal depending on whether a field has a value."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, OptionalTagRef, OptionalTrimmedText
from helpers.rules.effects import soft
from helpers.rules.empty import is_empty

INTEGRATION = "mfh"


class Config(HelperConfig):
    """The field, and what happens in either case."""

    check_field: FieldKey = Field(description="Field to look at; 0, false and blanks are values.")
    found_tag_id: OptionalTagRef = Field(default=None, description="Tag to apply when the field has a value.")
    not_found_tag_id: OptionalTagRef = Field(default=None, description="Tag to apply when the field is empty.")
    found_goal: OptionalTrimmedText = Field(default=None, description="Goal to achieve when the field has a value.")
    not_found_goal: OptionalTrimmedText = Field(default=None, description="Goal to achieve when the field is empty.")


class FoundIt(Helper[Config]):
    """Only the branch that applies is touched; tags of the other one stay."""

    type = "found_it"
    name = "Found It"
    category = "contact"
    description = "Tag / goal depending on whether a field has a value."
    example = Example(
        config={"check_field": "phone", "found_tag_id": "5", "not_found_goal": "askforphone"},
        crm={"contact": {"id": "c1", "phone": "555-0100"}, "tags": [{"id": "5", "name": "Has phone"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        found = not is_empty(await ctx.read(config.check_field))
        tag, goal = (
            (config.found_tag_id, config.found_goal) if found else (config.not_found_tag_id, config.not_found_goal)
        )
        actions: list[Action] = []
        if tag is not None:
            actions += await soft(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag))
        if goal is not None:
            actions += await soft(ctx, f"achieve goal {goal!r}", ctx.achieve_goal(goal, INTEGRATION))
        return HelperOutput.ok(f"{config.check_field} {'has a value' if found else 'is empty'}", actions=actions)
