"""simple_opt_out: set the e-mail marketing status to out."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import Text


class Config(FormConfig):
    """Why."""

    reason: Text = Field(default="", description="Handed to the CRM.")


class SimpleOptOut(Helper[Config]):
    """A failure fails the run."""

    type = "simple_opt_out"
    name = "Simple Opt Out"
    category = "automation"
    description = "Set the e-mail marketing status to out."
    reads_contact = False
    example = Example(config={"reason": "asked by phone"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        reason = ctx.config.reason
        await ctx.crm.set_opt_in_status(ctx.contact_id, False, reason)
        return HelperOutput.ok(
            "opted out",
            modified_data={"opt_in": False, "reason": reason},
            actions=[Action(type="opt_out", target=ctx.contact_id, value="opted_out")],
        )
