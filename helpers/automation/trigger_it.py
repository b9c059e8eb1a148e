"""trigger_it: start one CRM automation for the contact."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import RequiredText


class Config(FormConfig):
    """Which automation."""

    automation_id: RequiredText = Field(description="Id of the automation; a number is refused.")


class TriggerIt(Helper[Config]):
    """A failure to start it fails the run."""

    type = "trigger_it"
    name = "Trigger It"
    category = "automation"
    description = "Start one CRM automation for the contact."
    reads_contact = False
    idempotent = False
    example = Example(config={"automation_id": "42"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        automation_id = ctx.config.automation_id
        await ctx.crm.trigger_automation(ctx.contact_id, automation_id)
        return HelperOutput.ok(
            f"started automation {automation_id}",
            modified_data={"automation_id": automation_id},
            actions=[Action(type="automation_triggered", target=ctx.contact_id, value=automation_id)],
        )
