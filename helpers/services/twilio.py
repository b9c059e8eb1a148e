"""Twilio API 2010-04-01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from helpers.contract import HelperContext
from helpers.errors import HelperError, TransientFailure
from helpers.ports import ServiceAuth
from helpers.rules.characters import read_json
from helpers.rules.http_outcomes import retry_after_seconds
from helpers.services.client import ServiceClient
from helpers.services.oauth import basic_authorization

SENDER_QUEUE_FULL = 21611


class Twilio(ServiceClient):
    """Messages. A connection wins over ``account_sid`` and ``auth_token``, which the helper has from its config."""

    slug = "twilio"
    title = "Twilio"
    default_base = "https://api.twilio.com/2010-04-01"

    def __init__(self, ctx: HelperContext[Any], account_sid: str = "", auth_token: str = "") -> None:
        connection = ctx.service_auths.get(self.slug)
        if not self.has_credentials(connection):
            connection = connection.model_copy(update={"api_key": account_sid.strip(), "api_secret": auth_token})
        super().__init__(ctx, connection)

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.api_key and auth.api_secret)

    def authorization(self) -> dict[str, str]:
        return {"Authorization": basic_authorization(self.auth.api_key, self.auth.api_secret)}

    def secrets(self) -> tuple[str, ...]:
        """The account SID is a name that outputs show."""
        return (self.auth.api_secret,)

    @property
    def account_sid(self) -> str:
        """The account that sends."""
        return self.auth.api_key

    @property
    def messages_url(self) -> str:
        """Where messages are sent."""
        return self.url("Accounts", self.account_sid, "Messages.json")

    async def send_message(self, message: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """Send a message given by ``To``, ``Body`` and ``From`` or ``MessagingServiceSid``: ``sid`` and ``status``."""
        response = await self.call("POST", self.messages_url, data=dict(message), headers=headers)
        return self.accepted(response)

    def failure(self, response: httpx.Response) -> HelperError:
        """A full sender queue drains; every other 4xx is final (C3)."""
        try:
            code = read_json(response.content).get("code")
        except (ValueError, AttributeError):
            code = None
        if code == SENDER_QUEUE_FULL:
            wait = retry_after_seconds(response.headers, self.ctx.clock.now())
            return TransientFailure("Twilio: the queue of the sender is full", retry_after=wait)
        return super().failure(response)
