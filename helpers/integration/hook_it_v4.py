"""hook_it_v4: fire several goals for one incoming event."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import HelperError
from helpers.rules.config_types import LooseFlag, Text, blank_is_default, null_is_default


class Config(HelperConfig):
    """The goals."""

    goals: Annotated[list[Annotated[str, Strict()]], Strict()] = Field(
        min_length=1, description="Goal names, in order; empty ones are skipped."
    )
    integration: Annotated[Text, blank_is_default] = Field(default="myfusionhelper", description="Goal integration.")
    stop_on_error: LooseFlag = Field(default=False, description="Stop at the first goal that fails.")
    goal_prefix: Annotated[Text, null_is_default] = Field(default="", description="Put before every goal name.")
    goal_suffix: Annotated[Text, null_is_default] = Field(default="", description="Put after every goal name.")


class HookItV4(Helper[Config]):
    """Goals cannot be repeated: once one is achieved, no failure leads to a retry."""

    type = "hook_it_v4"
    name = "Hook It V4 (Multi-Goal)"
    category = "integration"
    description = "Fire several goals for one incoming event."
    idempotent = False
    example = Example(
        config={"goals": ["signup", "newsletter"], "goal_prefix": "web_"},
        crm={"contact": {"id": "c1"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        actions: list[Action] = []
        failures: list[HelperError] = []
        stopped: dict[str, Any] = {}
        for position, goal in enumerate(config.goals, start=1):
            if not goal.strip():
                continue
            try:
                name = f"{config.goal_prefix}{goal}{config.goal_suffix}"
                actions.append(await ctx.achieve_goal(name, config.integration))
            except HelperError as exc:
                ctx.log(f"goal {goal} failed: {exc}")
                failures.append(exc)
                if config.stop_on_error:
                    stopped = {"stopped_at": position}
                    break
        retryable = next((failure for failure in failures if failure.retryable), None)
        if retryable is not None and not actions:
            raise retryable
        succeeded = not stopped and (bool(actions) or not failures)
        build = HelperOutput.ok if succeeded else HelperOutput.failed
        return build(
            f"{len(actions)} goals achieved, {len(failures)} failed",
            modified_data={
                "goals_total": len(config.goals),
                "goals_achieved": len(actions),
                "goals_failed": len(failures),
                **stopped,
            },
            actions=actions,
        )
