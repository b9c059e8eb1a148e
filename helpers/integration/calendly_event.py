"""A Calendly event as it arrives: flat keys, or the raw body of a Calendly webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from helpers.contract import HelperContext
from helpers.rules.config_types import to_number
from helpers.rules.event_data import lookup, payload
from helpers.rules.text import to_text

CREATED, CANCELED, RESCHEDULED = "invitee.created", "invitee.canceled", "invitee.rescheduled"
EVENTS = (CREATED, CANCELED, RESCHEDULED)


@dataclass(frozen=True, slots=True)
class CalendlyEvent:
    """``duration`` is whole minutes as text. Empty text where the event does not say."""

    type: str
    meeting_time: str = ""
    duration: str = ""
    event_type_name: str = ""
    # The half of a rescheduling that is not acted upon: the invitee's new event follows.
    superseded: bool = False

    @classmethod
    def of(cls, ctx: HelperContext[Any], configured: str | None) -> CalendlyEvent | None:
        """The event of this execution, ``configured`` being the type that the config names; None without one."""
        body = payload(ctx)
        if body is ctx.raw_config:
            body = {}
        named = (lookup(ctx, "webhook_event", config_keys=()), lookup(ctx, "event", config_keys=()))
        event_type = next(filter(None, map(_text, (*named, body.get("event"), configured))), "")
        if not event_type:
            return None
        raw = _mapping(body.get("payload"))
        scheduled = _mapping(raw.get("scheduled_event"))
        if event_type == CREATED and raw.get("old_invitee") is not None:
            event_type = RESCHEDULED
        return cls(
            type=event_type,
            meeting_time=_flat(ctx, body, "meeting_time") or _text(scheduled.get("start_time")),
            duration=_minutes(_flat(ctx, body, "duration")) or _minutes_between(scheduled),
            event_type_name=_flat(ctx, body, "event_type_name") or _text(scheduled.get("name")),
            superseded=event_type == CANCELED and raw.get("rescheduled") is True,
        )


def _flat(ctx: HelperContext[Any], body: Mapping[str, Any], key: str) -> str:
    return _text(body.get(key)) or _text(lookup(ctx, key))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if isinstance(value, bool | Mapping | list) else to_text(value).strip()


def _minutes(text: str) -> str:
    try:
        return _rounded(to_number(text))
    except (ValueError, ArithmeticError):  # no number, or none that is a duration
        return ""


def _minutes_between(scheduled: Mapping[str, Any]) -> str:
    try:
        start, end = (datetime.fromisoformat(_text(scheduled.get(key))) for key in ("start_time", "end_time"))
        return _rounded(Decimal((end - start).total_seconds()) / 60)
    except (ValueError, TypeError):  # no instants, or one of them without its offset
        return ""


def _rounded(minutes: Decimal) -> str:
    return str(minutes.quantize(Decimal(1), ROUND_HALF_UP))
