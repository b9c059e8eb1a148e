"""calendly_it: make a single-use booking link for the contact, or process a Calendly event."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.integration.calendly_event import CalendlyEvent
from helpers.integration.calendly_follow_up import FollowUpConfig, follow_up
from helpers.integration.calendly_link import LinkConfig, make_link
from helpers.rules.service_connections import ServiceConnections


# Pydantic takes the fields of the last base first: the keys of the link.
class Config(FollowUpConfig, LinkConfig):
    """The booking link, and what an event of its booking does to the contact."""

    service_connection_ids: ServiceConnections

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if not (self.api_token or "").strip() and not self.service_connection_ids.get("calendly"):
            raise ValueError("api_token: write a personal access token, or choose a Calendly connection")
        return self


class CalendlyIt(Helper[Config]):
    """Link mode calls Calendly; event mode only writes to the CRM, so all of it can be repeated."""

    type = "calendly_it"
    name = "Calendly It"
    category = "integration"
    description = "Make a single-use Calendly booking link for a contact, or process a Calendly event."
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    idempotent = False
    example = Example(
        config={
            "event_type_uri": "https://api.calendly.com/event_types/EX1",
            "api_token": "example-token",
            "result_field": "BookingLink",
        },
        crm={"contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "POST", "url_contains": "api.calendly.com/scheduling_links"},
                "reply": {"status": 201, "json": {"resource": {"booking_url": "https://calendly.com/d/abc"}}},
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        event = CalendlyEvent.of(ctx, ctx.config.webhook_event)
        return await make_link(ctx) if event is None else await follow_up(ctx, event)
