"""A tenant's SMTP server: one message, over TLS, and only to addresses that the egress rule allows."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from helpers.contract import HelperContext
from helpers.errors import HelperError, PermanentFailure, ServiceAuthRequired, TransientFailure
from helpers.ports import ServiceAuth
from helpers.rules.egress_transport import CheckedBackend

TIMEOUT_SECONDS = 30.0
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class _Server:
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> _Server:
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = "", None, None
        if scheme not in PORTS or not host:
            raise ServiceAuthRequired("smtp: write the server as smtp://host:587 or smtps://host:465")
        return cls(scheme, host, port or PORTS[scheme])


class CheckedSmtp(smtplib.SMTP):
    """Connects to the addresses that were checked, without a second look-up; TLS is with the host's name."""

    def __init__(self, addresses: Sequence[str], host: str, port: int, **options: Any) -> None:
        self._addresses = addresses
        super().__init__(host, port, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        problem: OSError = ConnectionError(f"no address for {host}")
        for address in self._addresses:
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as exc:
                problem = exc
        raise problem


class CheckedSmtpSsl(smtplib.SMTP_SSL, CheckedSmtp):
    """The same with TLS from the first byte."""

    def __init__(self, addresses: Sequence[str], host: str, port: int, **options: Any) -> None:
        self._addresses = addresses
        smtplib.SMTP_SSL.__init__(self, host, port, **options)


async def deliver(ctx: HelperContext[Any], auth: ServiceAuth, message: EmailMessage) -> None:
    """Hand the message over. Raises TargetRefused, ServiceAuthRequired, PermanentFailure or TransientFailure."""
    server = _Server.of(auth.base_url)

    async def look_up(host: str, _port: int) -> list[str]:
        return await ctx.resolver.addresses(host)

    addresses = await CheckedBackend(ctx.settings, addresses=look_up).checked_addresses(server.host, server.port)
    # smtplib blocks: a thread of its own keeps the loop free.
    await asyncio.to_thread(_deliver, server, addresses, auth, message)


def _deliver(server: _Server, addresses: Sequence[str], auth: ServiceAuth, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    try:
        if server.scheme == "smtps":
            client: smtplib.SMTP = CheckedSmtpSsl(
                addresses, server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            client = CheckedSmtp(addresses, server.host, server.port, timeout=TIMEOUT_SECONDS)
        with client:
            if server.scheme == "smtp":
                client.starttls(context=context)
            if auth.api_key:
                client.login(auth.api_key, auth.api_secret)
            client.send_message(message)
    except smtplib.SMTPException as exc:
        raise _failure(exc) from exc
    except OSError as exc:
        raise TransientFailure(f"SMTP server: {type(exc).__name__}") from exc


def _failure(exc: smtplib.SMTPException) -> HelperError:
    """5xx is permanent, 4xx and a broken connection are not."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in exc.recipients.values()]
    elif isinstance(exc, smtplib.SMTPResponseException):
        codes = [exc.smtp_code]
    else:
        codes = []
    if codes and all(500 <= code < 600 for code in codes):
        return PermanentFailure(f"the SMTP server refused the mail ({codes[0]})")
    if isinstance(exc, smtplib.SMTPNotSupportedError):
        return PermanentFailure("the SMTP server does not offer STARTTLS or login")
    return TransientFailure(f"the SMTP server did not take the mail ({codes[0] if codes else type(exc).__name__})")
