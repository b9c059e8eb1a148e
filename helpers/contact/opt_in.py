"""opt_in: set the e-mail marketing status to opted in (single or double)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.rules.config_types import FieldKey, Flag, OptionalTagRef, Text, blank_is_default
from helpers.rules.effects import soft
from helpers.rules.text import filled_text


class Config(HelperConfig):
    """The address and how its owner consents."""

    email_field: Annotated[FieldKey, blank_is_default] = Field(
        default="email", description="Field with the e-mail address."
    )
    reason: Text = Field(default="", description="Reason of the consent, handed to the CRM.")
    double_opt_in: Flag = Field(default=False, description="Wait for a confirmation instead of opting in at once.")
    confirmation_tag: OptionalTagRef = Field(
        default=None, description="Double opt-in: tag that starts the confirmation mail in the CRM."
    )
    confirmed_tag: OptionalTagRef = Field(
        default=None, description="Tag for a confirmed opt-in; applied at once unless double_opt_in is on."
    )


class OptIn(Helper[Config]):
    """Double opt-in never changes the status: that is for the confirmation to do."""

    type = "opt_in"
    name = "Opt In"
    category = "contact"
    description = "Set e-mail marketing status to opted in (single or double)."
    supported_crms = ("keap",)
    example = Example(
        config={"reason": "webinar form", "confirmed_tag": "5"},
        crm={"contact": {"id": "c1", "email": "ada@example.com"}, "tags": [{"id": "5", "name": "Opted in"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        email = filled_text(await ctx.read(config.email_field)).strip()
        if not email:
            return HelperOutput.failed(f"{config.email_field} holds no e-mail address")
        data: dict[str, Any] = {
            "email": email,
            "contact_id": ctx.contact_id,
            "action": "opt_in",
            "reason": config.reason,
            "double_opt_in": config.double_opt_in,
        }
        tagged: list[Action] = []
        if config.double_opt_in:
            if config.confirmation_tag is None:
                return HelperOutput.failed("double opt-in without confirmation_tag: nothing would ask to confirm")
            data |= {"confirmation_tag": config.confirmation_tag, "confirmed_tag": config.confirmed_tag or ""}
            tagged = [await ctx.apply_tag(config.confirmation_tag)]
        else:
            try:
                await ctx.crm.set_opt_in_status(ctx.contact_id, True, config.reason, email=email)
            except CrmError as exc:
                # The CRM answered and keeps a bounce, a complaint or an unsubscription: no failure of the call. Some
                # tell so before (CONFLICT), some in an answer that looks like success (PARTIAL).
                if exc.code not in (CrmErrorCode.CONFLICT, CrmErrorCode.PARTIAL):
                    raise
                return HelperOutput.failed(f"the opt-in was refused: {exc}")
            if config.confirmed_tag is not None:
                tagged = await soft(ctx, f"apply tag {config.confirmed_tag!r}", ctx.apply_tag(config.confirmed_tag))
        requested = Action(type="opt_in_requested", target=ctx.contact_id, value=data)
        return HelperOutput.ok(f"opt-in of {email} requested", modified_data=data, actions=[*tagged, requested])
