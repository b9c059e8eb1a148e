"""notify_me: tell the account user about the contact by e-mail, Slack or webhook."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact
from helpers.errors import HelperError, PermanentFailure
from helpers.ports import MailMessage
from helpers.rules.config_types import NonEmptyText, empty_is_default
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import DATA, call
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.templates import escape_slack, merge
from helpers.rules.text import to_text
from helpers.services.slack import post_to_channel, post_to_hook

TOTAL_SECONDS = 10.0

Text = Annotated[str, empty_is_default]


class Config(HelperConfig):
    """Where the notice goes and what it says."""

    channel: Literal["email", "slack", "webhook"] = Field(description="How the notice is delivered.")
    message: NonEmptyText = Field(description="Body template; {{key}} inserts contact data.")
    subject: Text = Field(default="", description="Subject template.")
    recipient: Text = Field(default="", description="Address, Slack channel or hook URL, or URL.")
    include_fields: Annotated[
        list[str],
        BeforeValidator(lambda value: [to_text(item) for item in value] if isinstance(value, list) else value),
        empty_is_default,
    ] = Field(default=[], description="Further contact fields for templates and payload.")


class NotifyMe(Helper[Config]):
    """Delivered before success is reported, once for an execution."""

    type = "notify_me"
    name = "Notify Me"
    category = "notification"
    description = "Send the account user a message about the contact by e-mail, Slack or webhook."
    idempotent = False
    external = True
    example = Example(
        config={"channel": "email", "subject": "New lead", "message": "{{full_name}} <{{email}}>"},
        crm={"contact": {"id": "c1", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        contact = await _contact_data(ctx)
        data: dict[str, Any] = {
            "channel": config.channel,
            "subject": merge(config.subject, contact),
            "message": merge(config.message, contact),
            "recipient": config.recipient,
            "contact": contact,
        }
        deliver = {"email": _mail, "slack": _slack, "webhook": _webhook}[config.channel]
        try:
            await once(ctx, "notification", lambda: deliver(ctx, data))
        except HelperError as exc:
            if exc.retryable:
                raise
            return HelperOutput.failed(f"not delivered: {exc}", modified_data=data)
        action = Action(type="notification_sent", target=config.channel, value=data)
        return HelperOutput.ok(f"notified by {config.channel}", modified_data=data, actions=[action])


async def _contact_data(ctx: HelperContext[Config]) -> dict[str, str]:
    contact: Contact = ctx.contact
    data = {"contact_id": ctx.contact_id}
    for name in ("first_name", "last_name", "email", "phone", "company", "job_title", "full_name"):
        data[name] = to_text(getattr(contact, name))
    for key in ctx.config.include_fields:
        try:
            value = await ctx.read(key)
        except HelperError as exc:
            if exc.retryable:
                raise
            ctx.log(f"field {key} left out: {exc}")
            continue
        if value is not None:
            data[key] = to_text(value)
    return data


async def _webhook(ctx: HelperContext[Config], data: dict[str, Any]) -> dict[str, Any]:
    url = check_url(data["recipient"], ctx.settings)
    await call(
        ctx,
        "POST",
        url,
        service="the webhook",
        json=data,
        headers=idempotency_headers(ctx),
        total_seconds=TOTAL_SECONDS,
        rule=DATA,
    )
    return {}


async def _slack(ctx: HelperContext[Config], data: dict[str, Any]) -> dict[str, Any]:
    escaped = {key: escape_slack(value) for key, value in data["contact"].items()}
    text = merge(ctx.config.message, escaped)
    subject = merge(ctx.config.subject, escaped)
    if subject:
        text = f"*{subject}*\n{text}"
    recipient = data["recipient"].strip()
    if not recipient:
        raise PermanentFailure("recipient: write a Slack channel or hook URL")
    is_url = recipient.lower().startswith(("http://", "https://"))
    post = post_to_hook if is_url else post_to_channel
    await post(ctx, recipient, text, total_seconds=TOTAL_SECONDS)
    return {}


async def _mail(ctx: HelperContext[Config], data: dict[str, Any]) -> dict[str, Any]:
    recipient = data["recipient"].strip()
    if recipient:
        try:
            validate_email(recipient, check_deliverability=False)
        except EmailNotValidError as exc:
            raise PermanentFailure(f"recipient: {exc}") from exc
    # Unlike mail_it, which puts a blank for them: here line breaks are removed (rule 4).
    subject = "".join(data["subject"].splitlines())
    receipt = await ctx.mail.send(
        MailMessage(
            to=recipient,
            subject=subject if subject.strip() else NotifyMe.name,
            text=data["message"],
            idempotency_key=ctx.execution_id,
        )
    )
    return {"message_id": receipt.message_id}
