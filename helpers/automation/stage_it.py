"""stage_it: move a contact's Keap opportunities from one stage to another, fire goals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import OptionalTrimmedText, TrimmedText, blank_is_default
from helpers.rules.effects import Effects, best_effort
from helpers.rules.steps import once


class Config(FormConfig):
    """The stages and the goals."""

    basic_match: TrimmedText = Field(description="Stage id to look for; a number is refused.")
    to_stage: TrimmedText = Field(description="Stage id to move to; a number is refused.")
    opportunity_count: Annotated[Literal["first", "all"], blank_is_default] = Field(
        default="first", description="The oldest only, or every one."
    )
    found_goal: OptionalTrimmedText = Field(default=None, description="Goal when at least one was moved.")
    not_found_goal: OptionalTrimmedText = Field(default=None, description="Goal when there is none.")


class StageIt(Helper[Config]):
    """A failing goal is logged only."""

    type = "stage_it"
    name = "Stage It"
    category = "automation"
    description = "Move a contact's Keap opportunities from one stage to another, fire goals."
    supported_crms = ("keap",)
    reads_contact = False
    example = Example(
        config={"basic_match": "7", "to_stage": "8"},
        crm={"contact": {"id": "c1"}, "opportunities": [{"id": "o1", "contact_id": "c1", "stage_id": "7"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config

        async def oldest_first() -> dict[str, Any]:
            deals = await ctx.crm.list_opportunities(ctx.contact_id, config.basic_match)
            return {"ids": [deal.id for deal in sorted(deals, key=lambda deal: deal.age)]}

        # What was moved is in the stage no more: a delivery that comes again would find other opportunities, or none.
        found: list[str] = (await once(ctx, "opportunities", oldest_first))["ids"]
        chosen = found[:1] if config.opportunity_count == "first" else found
        effects = Effects(ctx)
        for opportunity_id in chosen:
            await effects.attempt(f"moving opportunity {opportunity_id}", _move(ctx, opportunity_id))
        if chosen and effects.all_failed:
            effects.raise_if_all_failed()
        moved = [action.target for action in effects.actions]
        actions = [Action.field_updated("StageID", config.to_stage), *effects.actions] if moved else []
        goal = config.found_goal if moved else config.not_found_goal
        if goal is not None:
            actions += await best_effort(ctx, f"goal {goal}", ctx.achieve_goal(goal))
        return HelperOutput.ok(
            f"moved {len(moved)} of {len(found)} opportunities",
            modified_data={
                "matched_count": len(found),
                "updated_count": len(moved),
                "opportunity_ids": moved,
                "from_stage": config.basic_match,
                "to_stage": config.to_stage,
            },
            actions=actions,
        )


async def _move(ctx: HelperContext[Config], opportunity_id: str) -> Action:
    await ctx.crm.update_opportunity_stage(opportunity_id, ctx.config.to_stage)
    return Action(type="opportunity_updated", target=opportunity_id, value=ctx.config.to_stage)
