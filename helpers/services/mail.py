"""Mail providers: SendGrid, Mailgun, SMTP and the platform mailer, behind one function."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, make_msgid
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure, ServiceAuthRequired
from helpers.ports import MailMessage, ServiceAuth
from helpers.rules.http_outcomes import call, json_object
from helpers.rules.steps import idempotency_headers
from helpers.services import smtp
from helpers.services.oauth import basic_authorization

SENDGRID = "https://api.sendgrid.com"
MAILGUN = "https://api.mailgun.net"


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered mail: header values hold no line breaks."""

    to: str
    subject: str
    body: str
    content_type: str
    from_name: str
    from_email: str
    reply_to: str | None


async def send_mail(ctx: HelperContext[Any], mail: Mail, *, chosen: Container[str] = ()) -> tuple[str, str]:
    """Send through the first provider that is connected. Returns provider and message id.

    ``chosen`` are the providers that the config names: one whose connection cannot be used fails the mail (C4),
    instead of another provider sending it.
    """
    for slug, send in (("sendgrid", _sendgrid), ("mailgun", _mailgun), ("smtp", _smtp)):
        auth = ctx.service_auths.get(slug)
        if slug in chosen or auth != ServiceAuth():
            return slug, await send(ctx, auth, mail)
    return "ses", await _platform(ctx, mail)


async def _sendgrid(ctx: HelperContext[Any], auth: ServiceAuth, mail: Mail) -> str:
    if not auth.api_key:
        raise ServiceAuthRequired("sendgrid: the connection has no API key; reconnect the service")
    body: dict[str, Any] = {
        "personalizations": [{"to": [{"email": mail.to}], "custom_args": {"execution_id": ctx.execution_id}}],
        "from": {"email": mail.from_email, "name": mail.from_name},
        "subject": mail.subject,
        "content": [{"type": mail.content_type, "value": mail.body}],
    }
    if mail.reply_to:
        body["reply_to"] = {"email": mail.reply_to}
    response = await call(
        ctx,
        "POST",
        f"{auth.base_url.rstrip('/') or SENDGRID}/v3/mail/send",
        service="SendGrid",
        json=body,
        headers={"Authorization": f"Bearer {auth.api_key}", **idempotency_headers(ctx)},
        secrets=[auth.api_key],
    )
    return str(response.headers.get("X-Message-Id", ""))


async def _mailgun(ctx: HelperContext[Any], auth: ServiceAuth, mail: Mail) -> str:
    if not auth.api_key or not auth.account_id:
        raise ServiceAuthRequired("mailgun: the connection lacks API key or domain; reconnect the service")
    form = {
        "from": formataddr((mail.from_name, mail.from_email)),
        "to": mail.to,
        "subject": mail.subject,
        "html" if mail.content_type == "text/html" else "text": mail.body,
    }
    if mail.reply_to:
        form["h:Reply-To"] = mail.reply_to
    response = await call(
        ctx,
        "POST",
        f"{auth.base_url.rstrip('/') or MAILGUN}/v3/{auth.account_id}/messages",
        service="Mailgun",
        data=form,
        headers={"Authorization": basic_authorization("api", auth.api_key), **idempotency_headers(ctx)},
        secrets=[auth.api_key],
    )
    return str(json_object(response, "Mailgun").get("id", ""))


async def _smtp(ctx: HelperContext[Any], auth: ServiceAuth, mail: Mail) -> str:
    message = EmailMessage()
    message["Message-ID"] = make_msgid(domain=mail.from_email.rpartition("@")[2] or None)
    message["From"] = formataddr((mail.from_name, mail.from_email))
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["X-Execution-Id"] = ctx.execution_id
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    message.set_content(mail.body, subtype=mail.content_type.partition("/")[2])
    await smtp.deliver(ctx, auth, message)
    return str(message["Message-ID"])


async def _platform(ctx: HelperContext[Any], mail: Mail) -> str:
    if not await ctx.mail.is_verified(mail.from_email):
        raise PermanentFailure(f"from_email: {mail.from_email} is not verified for this account; verify it first")
    html = mail.content_type == "text/html"
    receipt = await ctx.mail.send(
        MailMessage(
            to=mail.to,
            subject=mail.subject,
            text="" if html else mail.body,
            html=mail.body if html else None,
            from_email=mail.from_email,
            from_name=mail.from_name,
            reply_to=mail.reply_to or "",
            idempotency_key=ctx.execution_id,
        )
    )
    return receipt.message_id
