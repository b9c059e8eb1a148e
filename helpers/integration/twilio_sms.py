"""twilio_sms: send a merged SMS."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, RequiredText, blank_is_default
from helpers.rules.field_text import field_text
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.templates import merge, merge_fields
from helpers.rules.text import to_text
from helpers.services.twilio import Twilio

LONGEST_MESSAGE = 1600


class Config(HelperConfig):
    """The message, its sender and its recipient."""

    account_sid: OptionalText = Field(default=None, description="Account SID, where no connection is chosen.")
    auth_token: OptionalText = Field(
        default=None, description="Auth token of that account.", json_schema_extra={"writeOnly": True}
    )
    from_number: RequiredText = Field(description="E.164 number, or a Messaging Service SID (MG...).")
    to_field: Annotated[str, blank_is_default] = Field(default="Phone1", description="Field of the recipient.")
    message_template: RequiredText = Field(description="Text; {{key}} inserts contact data.")
    service_connection_ids: ServiceConnections

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if "twilio" in self.service_connection_ids:
            return self
        for key in ("account_sid", "auth_token"):
            if not (getattr(self, key) or "").strip():
                raise ValueError(f"{key}: choose a Twilio connection, or write account_sid and auth_token")
        return self


class TwilioSms(Helper[Config]):
    """The number is cleaned of separators; no country code is guessed."""

    type = "twilio_sms"
    name = "Twilio SMS"
    category = "integration"
    description = "Send a merged SMS."
    idempotent = False
    external = True
    example = Example(
        config={
            "account_sid": "AC00000000000000000000000000000000",
            "auth_token": "example-token",
            "from_number": "+15550001111",
            "message_template": "Hello {{first_name}}",
        },
        crm={"contact": {"id": "c1", "first_name": "Ann", "phone": "+1 (555) 123-4567"}},
        http=({"match": {"method": "POST"}, "reply": {"status": 201, "json": {"sid": "SM1", "status": "queued"}}},),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        twilio = Twilio(ctx, config.account_sid or "", config.auth_token or "")
        recipient = _normalised(await field_text(ctx, config.to_field))
        if not recipient:
            raise PermanentFailure(f"to_field: {config.to_field} is empty, so there is no recipient")
        text = merge(config.message_template, merge_fields(ctx.contact))
        if not text.strip() or len(text) > LONGEST_MESSAGE:
            raise PermanentFailure(f"the message is empty or longer than {LONGEST_MESSAGE} characters after the merge")
        sender = config.from_number.strip()
        message = {
            "To": recipient,
            "Body": text,
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
        }

        async def send() -> dict[str, Any]:
            answer = await twilio.send_message(message, idempotency_headers(ctx))
            return {"sid": to_text(answer.get("sid")), "status": to_text(answer.get("status"))}

        sent = await once(ctx, "sms", send)
        return HelperOutput.ok(
            f"SMS to {recipient} is {sent['status'] or 'sent'}",
            modified_data={
                "from_number": config.from_number,
                "to_number": recipient,
                "message": text,
                "api_url": twilio.messages_url,
                "account_sid": twilio.account_sid,
                "message_sid": sent["sid"],
                "status": sent["status"],
            },
            actions=[Action(type="sms_sent", target=recipient, value=sent["sid"])],
        )


def _normalised(number: str) -> str:
    return re.sub(r"[\s\-.()]", "", number)
