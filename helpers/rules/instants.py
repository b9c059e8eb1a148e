"""Instants as text and time zones by name: spec automation C4 and countdown_timer."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Strict

from helpers.rules.config_types import blank_is_default

_INSTANT = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?P<fraction>\d{1,9}))?(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?)?"
)


def instant_text(moment: datetime, zone: tzinfo = UTC) -> str:
    """RFC 3339 with whole seconds in ``zone``; an offset of zero is written ``Z``."""
    text = moment.astimezone(zone).replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def parse_instant(value: Any) -> datetime | None:
    """The instant in UTC, or None where the value is no instant.

    Takes date and datetime objects and text: RFC 3339 (``+0000`` as well), ``YYYY-MM-DDTHH:MM[:SS]``, a blank
    instead of the ``T``, ``YYYY-MM-DD`` (midnight). Without an offset it is UTC.
    """
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime.combine(value, time.min, UTC)
    found = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    fraction = (found["fraction"] or "0")[:6].ljust(6, "0")
    clock = found["time"] or "00:00"
    offset = (found["offset"] or "Z").upper()
    try:
        return _in_utc(datetime.fromisoformat(f"{found['date']}T{_with_seconds(clock)}.{fraction}{offset}"))
    except (ValueError, OverflowError):
        return None


def _with_seconds(clock: str) -> str:
    return clock if clock.count(":") == 2 else f"{clock}:00"


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone. Raises ValueError for an unknown name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone, write for example America/New_York") from None


def _known_zone(name: str) -> str:
    zone_named(name)
    return name


ZoneName = Annotated[str, Strict(), AfterValidator(str.strip), AfterValidator(_known_zone), blank_is_default]
"""An IANA time zone name; null, "" and blanks are the default, an unknown name is refused."""
