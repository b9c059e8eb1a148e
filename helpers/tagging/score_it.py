"""score_it: sum points over has-tag / has-not-tag rules into a field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, Flag, JsonWholeNumber, TagRef, null_is_default


class Rule(HelperConfig):
    """Points for a contact that has, or has not, a tag."""

    tag_id: TagRef = Field(description="Tag id or name.")
    has_tag: Flag = Field(default=True, description="true: counts when the contact has the tag; false: when not.")
    points: Annotated[JsonWholeNumber, null_is_default] = Field(
        default=0, description="Points to add, may be negative; a fraction is cut off."
    )


class Config(HelperConfig):
    """The rules and where the score goes."""

    rules: Annotated[list[Rule], Strict()] = Field(min_length=1, description="A tag listed twice counts twice.")
    target_field: FieldKey = Field(description="Field that receives the score as text.")


class ScoreIt(Helper[Config]):
    """The score starts at 0 in each run; the old field value is not added."""

    type = "score_it"
    name = "Score It"
    category = "tagging"
    description = "Sum points over has-tag / has-not-tag rules into a field."
    example = Example(
        config={
            "rules": [{"tag_id": "5", "points": 10}, {"tag_id": "Unsubscribed", "has_tag": False, "points": 5}],
            "target_field": "score",
        },
        crm={"contact": {"id": "c1", "tags": [{"id": "5", "name": "VIP"}]}, "tags": [{"id": "5", "name": "VIP"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        score = str(sum(rule.points for rule in ctx.config.rules if ctx.contact.has_tag(rule.tag_id) == rule.has_tag))
        action = await ctx.write(ctx.config.target_field, score)
        return HelperOutput.ok(f"score {score}", modified_data={ctx.config.target_field: score}, actions=[action])
