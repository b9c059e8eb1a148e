"""What an event of a Calendly booking does to the contact: a tag and three fields (spec calendly_it, event mode)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from helpers.contract import HelperConfig, HelperContext, HelperOutput
from helpers.errors import HelperError, PermanentFailure
from helpers.integration.calendly_event import CANCELED, CREATED, EVENTS, RESCHEDULED, CalendlyEvent
from helpers.rules.config_types import OptionalText, empty_is_default
from helpers.rules.effects import Effects
from helpers.rules.tag_lookup import apply_existing


class FollowUpConfig(HelperConfig):
    """The tag of each event, and the fields for what the event says."""

    webhook_event: Annotated[
        Literal["invitee.created", "invitee.canceled", "invitee.rescheduled"] | None, empty_is_default
    ] = Field(default=None, description="Process this event instead of making a link; an event in the input wins.")
    created_tag: OptionalText = Field(default=None, description="Tag id or name for a new booking.")
    canceled_tag: OptionalText = Field(default=None, description="Tag id or name for a canceled booking.")
    rescheduled_tag: OptionalText = Field(default=None, description="Tag id or name for a moved booking.")
    save_meeting_time_to: OptionalText = Field(default=None, description="Field for the event's start time.")
    save_duration_to: OptionalText = Field(default=None, description="Field for the event's duration in minutes.")
    save_event_type_to: OptionalText = Field(default=None, description="Field for the event type's name.")


FollowUpConfigT = TypeVar("FollowUpConfigT", bound=FollowUpConfig)


async def follow_up(ctx: HelperContext[FollowUpConfigT], event: CalendlyEvent) -> HelperOutput:
    """Apply the event's tag, write its fields. Raises retryable failures, and PermanentFailure for an unknown event."""
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


async def _tag(ctx: HelperContext[FollowUpConfigT], effects: Effects, reference: str) -> bool:
    try:
        tags = await ctx.crm.get_tags()
    except HelperError as exc:
        ctx.log(f"tags cannot be read: {exc}")
        effects.failures.append(exc)
        return False
    return await apply_existing(ctx, effects, tags, reference)
