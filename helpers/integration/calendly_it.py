"""calendly_it: make a single-use booking link for the contact, or process a Calendly event."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import HelperError, PermanentFailure
from helpers.integration.calendly_event import CANCELED, CREATED, EVENTS, RESCHEDULED, CalendlyEvent
from helpers.rules.config_types import DefaultText, OptionalText, RequiredText, empty_is_default
from helpers.rules.effects import Effects, best_effort
from helpers.rules.field_text import field_text
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import once
from helpers.rules.tag_lookup import find_tag
from helpers.services.calendly import Calendly


class Config(HelperConfig):
    """The booking link, and what an event of its booking does to the contact."""

    event_type_uri: RequiredText = Field(description="Calendly event type URI.")
    api_token: OptionalText = Field(
        default=None,
        description="Personal access token; needed unless a Calendly connection is chosen, which wins.",
        json_schema_extra={"writeOnly": True},
    )
    email_field: DefaultText = Field(default="Email", description="Field with the invitee's e-mail.")
    name_field: DefaultText = Field(default="FirstName", description="Field with the invitee's name.")
    result_field: OptionalText = Field(default=None, description="Field that receives the booking link.")
    webhook_event: Annotated[
        Literal["invitee.created", "invitee.canceled", "invitee.rescheduled"] | None, empty_is_default
    ] = Field(default=None, description="Process this event instead of making a link; an event in the input wins.")
    created_tag: OptionalText = Field(default=None, description="Tag id or name for a new booking.")
    canceled_tag: OptionalText = Field(default=None, description="Tag id or name for a canceled booking.")
    rescheduled_tag: OptionalText = Field(default=None, description="Tag id or name for a moved booking.")
    save_meeting_time_to: OptionalText = Field(default=None, description="Field for the event's start time.")
    save_duration_to: OptionalText = Field(default=None, description="Field for the event's duration in minutes.")
    save_event_type_to: OptionalText = Field(default=None, description="Field for the event type's name.")
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
        return await _make_link(ctx) if event is None else await _process(ctx, event)


async def _make_link(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    calendly = Calendly(ctx, config.api_token or "")
    email = await field_text(ctx, config.email_field)
    if not email:
        raise PermanentFailure(f"the contact has no e-mail address in {config.email_field}")
    name = await field_text(ctx, config.name_field) or ctx.contact.full_name

    async def create() -> dict[str, Any]:
        return {"booking_url": await calendly.create_scheduling_link(config.event_type_uri)}

    booking_url: str = (await once(ctx, "scheduling link", create))["booking_url"]
    actions = [Action(type="scheduling_link_created", target=config.event_type_uri, value=booking_url)]
    target = config.result_field
    if target:
        actions += await best_effort(ctx, f"write the link to {target!r}", ctx.write(target, booking_url))
    return HelperOutput.ok(
        f"made a booking link for {email}",
        modified_data={
            "event_type_uri": config.event_type_uri,
            "email": email,
            "name": name,
            "api_url": calendly.scheduling_links_url,
            "invite": {"max_event_count": 1, "email": email, "name": name},
            "booking_url": booking_url,
            "prefilled_url": _with_query(booking_url, {"name": name, "email": email}),
            **({"result_field": target} if target else {}),
        },
        actions=actions,
    )


def _with_query(url: str, parameters: dict[str, str]) -> str:
    query = urlencode(parameters, quote_via=quote, safe="")
    return f"{url}{'&' if '?' in url else '?'}{query}"


async def _process(ctx: HelperContext[Config], event: CalendlyEvent) -> HelperOutput:
    config = ctx.config
    if event.type not in EVENTS:
        raise PermanentFailure(f"unknown Calendly event {event.type!r}")
    tags = {CREATED: config.created_tag, CANCELED: config.canceled_tag, RESCHEDULED: config.rescheduled_tag}
    fields = {
        config.save_meeting_time_to: event.meeting_time,
        config.save_duration_to: event.duration,
        config.save_event_type_to: event.event_type_name,
    }
    effects = Effects(ctx)
    tag = tags[event.type]
    tag_applied = False
    if not event.superseded:
        tag_applied = bool(tag) and await _tag(ctx, effects, tag or "")
        for target, value in fields.items():
            if target and value:
                await effects.attempt(f"write field {target!r}", ctx.write(target, value))
    for failure in effects.failures:
        # Every write can be repeated, so one that may succeed later is worth another run.
        if failure.retryable:
            raise failure
    return HelperOutput.ok(
        f"processed {event.type}",
        modified_data={
            "event_type": event.type,
            "tag_applied": tag if tag_applied else "",
            "field_updates": effects.written,
            "meeting_time": event.meeting_time,
            "duration": event.duration,
            "event_type_name": event.event_type_name,
        },
        actions=effects.actions,
    )


async def _tag(ctx: HelperContext[Config], effects: Effects, reference: str) -> bool:
    try:
        tag = find_tag(await ctx.crm.get_tags(), reference)
    except HelperError as exc:
        ctx.log(f"tags cannot be read: {exc}")
        effects.failures.append(exc)
        return False
    if tag is None:
        ctx.log(f"tag {reference!r} does not exist")
        return False

    async def apply() -> Action:
        await ctx.crm.apply_tag(ctx.contact_id, tag.id)
        return Action.tag_applied(ctx.contact_id, reference)

    return await effects.attempt(f"apply tag {reference!r}", apply())
