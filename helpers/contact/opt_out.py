"""opt_out: set the e-mail marketing status to opted out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import (
    FieldKey,
    OptionalFieldKey,
    OptionalTagRef,
    Text,
    blank_is_default,
    empty_is_default,
)
from helpers.rules.effects import soft
from helpers.rules.text import filled_text

Category = Literal["user_request", "spam_complaint", "bounce", "content_irrelevant", "frequency_too_high", "other"]


class Config(HelperConfig):
    """The address, why it leaves, and where that is noted."""

    email_field: Annotated[FieldKey, blank_is_default] = Field(
        default="email", description="Field with the e-mail address."
    )
    reason: Text = Field(default="", description="Reason, handed to the CRM.")
    reason_field: OptionalFieldKey = Field(default=None, description="Field that stores the reason.")
    unsubscribe_tag: OptionalTagRef = Field(default=None, description="Tag to apply.")
    category: Annotated[Category | None, empty_is_default] = Field(default=None, description="Kind of reason.")


class OptOut(Helper[Config]):
    """The status comes first (compliance); the notes about it may fail without failing the run."""

    type = "opt_out"
    name = "Opt Out"
    category = "contact"
    description = "Set e-mail marketing status to opted out."
    example = Example(
        config={"reason": "too many mails", "category": "frequency_too_high", "reason_field": "opt_out_reason"},
        crm={"contact": {"id": "c1", "email": "ada@example.com"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        email = filled_text(await ctx.read(config.email_field)).strip()
        if not email:
            return HelperOutput.failed(f"{config.email_field} holds no e-mail address")
        await ctx.crm.set_opt_in_status(ctx.contact_id, False, config.reason, email=email)
        data: dict[str, Any] = {
            "email": email,
            "contact_id": ctx.contact_id,
            "action": "opt_out",
            "reason": config.reason,
            "category": config.category or "",
        }
        actions: list[Action] = []
        if config.reason_field is not None and config.reason:
            actions += await soft(ctx, f"write {config.reason_field}", ctx.write(config.reason_field, config.reason))
        if config.unsubscribe_tag is not None:
            actions += await soft(ctx, f"apply tag {config.unsubscribe_tag!r}", ctx.apply_tag(config.unsubscribe_tag))
        actions.append(Action(type="opt_out_requested", target=ctx.contact_id, value=data))
        return HelperOutput.ok(f"{email} is opted out", modified_data=data, actions=actions)
