"""simple_opt_in: set the e-mail marketing status to in or out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import Text


class Config(FormConfig):
    """The status and why."""

    opt_in: Annotated[bool, Strict()] = Field(description="true: may be mailed; false: may not.")
    reason: Text = Field(default="", description="Handed to the CRM.")


class SimpleOptIn(Helper[Config]):
    """A failure fails the run."""

    type = "simple_opt_in"
    name = "Simple Opt In"
    category = "automation"
    description = "Set the e-mail marketing status to in or out."
    reads_contact = False
    example = Example(config={"opt_in": True, "reason": "web form"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        opt_in, reason = ctx.config.opt_in, ctx.config.reason
        await ctx.crm.set_opt_in_status(ctx.contact_id, opt_in, reason)
        status = "opted in" if opt_in else "opted out"
        return HelperOutput.ok(
            status,
            modified_data={"opt_in": opt_in, "reason": reason},
            actions=[Action(type="opt_in_status_changed", target=ctx.contact_id, value=status)],
        )
