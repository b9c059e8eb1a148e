"""action_it: start several CRM automations for the contact, in order."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError, TransientFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import without_blanks
from helpers.rules.text import to_text


def _ids(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        to_text(item) if isinstance(item, int | float) and not isinstance(item, bool) else item
        for item in without_blanks(value)
    ]


AutomationId = Annotated[str, Strict(), WithJsonSchema({"type": ["string", "number"]})]


class Config(FormConfig):
    """Which automations."""

    automation_ids: Annotated[list[AutomationId], Strict(), BeforeValidator(_ids)] = Field(
        min_length=1, description="Ids in the order to start; blank items are ignored, duplicates start again."
    )


class ActionIt(Helper[Config]):
    """One that cannot be started does not keep the others; never tried again after a partial success."""

    type = "action_it"
    name = "Action It"
    category = "automation"
    description = "Start several CRM automations for the contact, in order."
    reads_contact = False
    idempotent = False
    example = Example(config={"automation_ids": ["42", 43]}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        triggered: list[str] = []
        failed: list[str] = []
        failures: list[HelperError] = []
        for automation_id in ctx.config.automation_ids:
            try:
                await ctx.crm.trigger_automation(ctx.contact_id, automation_id)
            except HelperError as exc:
                ctx.log(f"automation {automation_id} could not be started: {exc}")
                failures.append(exc)
                failed.append(automation_id)
            else:
                triggered.append(automation_id)
        modified = {"triggered_ids": triggered, "failed_ids": failed}
        if not triggered:
            if all(failure.retryable for failure in failures):
                waits = [failure.retry_after for failure in failures if failure.retry_after is not None]
                raise TransientFailure(
                    f"no automation could be started: {failures[0]}", retry_after=max(waits, default=None)
                ) from failures[0]
            return HelperOutput.failed("no automation could be started", modified_data=modified)
        return HelperOutput.ok(
            f"started {len(triggered)} of {len(ctx.config.automation_ids)} automations",
            modified_data=modified,
            actions=[Action(type="automation_triggered", target=ctx.contact_id, value=id_) for id_ in triggered],
        )
