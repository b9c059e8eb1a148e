"""goal_it: achieve a Keap campaign goal."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import RequiredText, blank_is_default


class Config(FormConfig):
    """Which goal."""

    goal_name: RequiredText = Field(description="Call name of the goal.")
    integration: Annotated[str, blank_is_default] = Field(default="mfh", description="Integration name.")


class GoalIt(Helper[Config]):
    """A failure fails the run."""

    type = "goal_it"
    name = "Goal It"
    category = "automation"
    description = "Achieve a Keap campaign (API) goal."
    supported_crms = ("keap",)
    reads_contact = False
    idempotent = False
    example = Example(config={"goal_name": "signed-up"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        goal, integration = ctx.config.goal_name, ctx.config.integration
        action = await ctx.achieve_goal(goal, integration)
        return HelperOutput.ok(
            f"achieved {goal}", modified_data={"goal_name": goal, "integration": integration}, actions=[action]
        )
