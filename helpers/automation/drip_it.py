"""drip_it: start the next automation of a list, remembering the position in a field."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import RequiredPick, RequiredText
from helpers.rules.steps import once
from helpers.rules.text import to_text

SAVE_ATTEMPTS = 3
SAVE_WAIT_SECONDS = 1.0
LONGEST_POSITION = 9


def _step(value: Any) -> Any:
    return to_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Step = Annotated[RequiredText, BeforeValidator(_step), WithJsonSchema({"type": ["string", "number"]})]


class Config(FormConfig):
    """The sequence and where its position is kept."""

    steps: Annotated[list[Step], Strict()] = Field(min_length=1, description="Automation ids in order.")
    state_field: RequiredPick = Field(description="Field with the number of steps already done.")


class DripIt(Helper[Config]):
    """A step that was started but could not be remembered is not started again: the run stays successful.

    An execution delivered twice stays at its step.
    """

    type = "drip_it"
    name = "Drip It"
    category = "automation"
    description = "Start the next automation of a list, remembering the position in a field."
    reads_contact = False
    idempotent = False
    example = Example(
        config={"steps": ["welcome", "offer"], "state_field": "drip_position"},
        crm={"contact": {"id": "c1", "custom_fields": {"drip_position": "1"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        steps, field = ctx.config.steps, ctx.config.state_field
        position = (await once(ctx, "step", lambda: _start(ctx)))["position"]
        modified: dict[str, Any] = {"step_executed": position + 1, "total_steps": len(steps)}
        if position >= len(steps):
            return HelperOutput.ok(
                "the sequence is complete",
                modified_data={"total_steps": len(steps), "drip_completed": True},
            )
        actions = [Action(type="automation_triggered", target=ctx.contact_id, value=steps[position])]
        modified["drip_completed"] = position + 1 >= len(steps)
        saved = await _save(ctx, field, to_text(position + 1))
        if saved is None:
            modified["state_saved"] = False
        else:
            modified = {field: saved.value, **modified}
            actions.append(saved)
        return HelperOutput.ok(f"step {position + 1} of {len(steps)}", modified_data=modified, actions=actions)


async def _start(ctx: HelperContext[Config]) -> dict[str, int]:
    """Start the step at the contact's position, if there is one left."""
    steps, position = ctx.config.steps, _position(await ctx.read(ctx.config.state_field))
    if position < len(steps):
        await ctx.crm.trigger_automation(ctx.contact_id, steps[position])
    return {"position": position}


def _position(value: Any) -> int:
    """Steps done: plain digits, also with a decimal point and zeros; anything else is the start."""
    whole = re.fullmatch(r"\+?0*([0-9]+)(\.0*)?", to_text(value).strip())
    # More digits than any list has steps: converting them would only cost time, they are past the end anyway.
    return int(whole[1][:LONGEST_POSITION]) if whole else 0


async def _save(ctx: HelperContext[Config], field: str, text: str) -> Action | None:
    """Write in place, a few times: a retry of the whole run would start the step twice."""
    for attempt in range(1, SAVE_ATTEMPTS + 1):
        try:
            return await ctx.write(field, text)
        except HelperError as exc:
            ctx.log(f"saving the position failed (attempt {attempt}): {exc}")
            if attempt < SAVE_ATTEMPTS:
                await ctx.clock.sleep(SAVE_WAIT_SECONDS * attempt)
    return None
