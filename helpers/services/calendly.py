"""Calendly API v2."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure
from helpers.rules.steps import idempotency_headers
from helpers.services.client import ServiceClient


class Calendly(ServiceClient):
    """Scheduling links. A personal access token stands in where the connection holds no token."""

    slug = "calendly"
    title = "Calendly"
    default_base = "https://api.calendly.com"

    def __init__(self, ctx: HelperContext[Any], personal_token: str = "") -> None:
        connection = ctx.service_auths.get(self.slug)
        token = connection.access_token or personal_token
        super().__init__(ctx, connection.model_copy(update={"access_token": token}))

    @property
    def scheduling_links_url(self) -> str:
        """Where links are made."""
        return self.url("scheduling_links")

    async def create_scheduling_link(self, event_type_uri: str) -> str:
        """The booking URL of a new single-use link. Raises PermanentFailure when the answer has none."""
        answer = await self.call_json(
            "POST",
            self.scheduling_links_url,
            json={"max_event_count": 1, "owner": event_type_uri, "owner_type": "EventType"},
            headers=idempotency_headers(self.ctx),
        )
        resource = answer.get("resource")
        booking_url = resource.get("booking_url") if isinstance(resource, dict) else None
        if not isinstance(booking_url, str) or not booking_url:
            raise PermanentFailure("Calendly returned no booking_url")
        return booking_url
