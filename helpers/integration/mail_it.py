"""mail_it: send a merged e-mail to the contact."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, RequiredText, blank_is_default
from helpers.rules.field_text import field_text
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import once
from helpers.rules.templates import escape_html, merge, merge_fields, one_line
from helpers.services.mail import Mail, send_mail


def _address(value: str) -> str:
    try:
        # Reserved names such as example.com and .test are real choices in trials.
        validate_email(value.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        raise ValueError(f"write an e-mail address: {exc}") from exc
    return value.strip()


class Config(HelperConfig):
    """The mail and its sender."""

    subject_template: RequiredText = Field(description="Subject; {{key}} inserts contact data.")
    body_template: RequiredText = Field(description="Body; {{key}} inserts contact data.")
    from_name: RequiredText = Field(description="Name of the sender.")
    from_email: Annotated[RequiredText, AfterValidator(_address)] = Field(description="Address of the sender.")
    to_field: Annotated[RequiredText, blank_is_default] = Field(default="Email", description="Field of the recipient.")
    reply_to: OptionalText = Field(default=None, description="Address for answers.")
    content_type: Annotated[Literal["text/plain", "text/html"], blank_is_default] = Field(
        default="text/html", description="Kind of the body."
    )
    service_connection_ids: ServiceConnections = Field(
        default_factory=dict, description="{sendgrid}, {mailgun} or {smtp}; default: the platform mailer."
    )


class MailIt(Helper[Config]):
    """Merged values are escaped in HTML bodies; line breaks never reach a header.

    The connected provider sends (SendGrid, Mailgun, SMTP, in this order), the platform mailer where none is. A provider
    that the config names has to be usable.
    """

    type = "mail_it"
    name = "Mail It"
    category = "integration"
    description = "Send a merged e-mail to the contact."
    idempotent = False
    external = True
    example = Example(
        config={
            "subject_template": "Welcome, {{first_name}}",
            "body_template": "<p>Dear {{full_name}}</p>",
            "from_name": "Acme",
            "from_email": "hello@acme.com",
        },
        crm={"contact": {"id": "c1", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        recipient = one_line(await field_text(ctx, config.to_field))
        if not recipient:
            raise PermanentFailure(f"to_field: {config.to_field} is empty, so there is no recipient")
        fields = merge_fields(ctx.contact)
        mail = Mail(
            to=recipient,
            subject=one_line(merge(config.subject_template, fields)),
            body=merge(
                config.body_template, fields, escape=escape_html if config.content_type == "text/html" else None
            ),
            content_type=config.content_type,
            from_name=one_line(config.from_name),
            from_email=one_line(config.from_email),
            reply_to=one_line(config.reply_to).strip() if config.reply_to else None,
        )

        async def send() -> dict[str, Any]:
            provider, message_id = await send_mail(ctx, mail, chosen=config.service_connection_ids)
            return {"provider": provider, "message_id": message_id}

        sent = await once(ctx, "mail", send)
        data: dict[str, Any] = {
            "to": mail.to,
            "subject": mail.subject,
            "body": mail.body,
            "from_name": mail.from_name,
            "from_email": mail.from_email,
            "content_type": mail.content_type,
            "contact_id": ctx.contact_id,
            "account_id": ctx.account_id,
            "helper_id": ctx.helper_id,
            "message_id": sent["message_id"],
            "provider": sent["provider"],
        }
        if mail.reply_to:
            data["reply_to"] = mail.reply_to
        return HelperOutput.ok(
            f"mail sent through {sent['provider']}",
            modified_data=data,
            actions=[Action(type="email_sent", target=mail.to, value=sent["message_id"])],
        )
