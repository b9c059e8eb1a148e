"""Weekdays and times of day as users write them, and their next occurrence in a time zone. Pure functions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from helpers.rules.config_keys import weekday_number
from helpers.rules.config_types import RequiredText

_ALL_DAYS = frozenset({"daily", "any", "every day", "everyday"})
_TIME = re.compile(r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?")


def parse_days(text: str) -> frozenset[int]:
    """0 for Monday to 6 for Sunday. Raises ValueError, which says what to write."""
    days: set[int] = set()
    for part in (piece.strip().lower() for piece in text.split(",")):
        if part in _ALL_DAYS:
            days |= set(range(7))
        elif part == "weekdays":
            days |= set(range(5))
        elif (number := weekday_number(part)) is not None:
            days.add(number)
        else:
            raise ValueError("write weekday names separated by commas, weekdays or daily")
    return frozenset(days)


def parse_time(text: str) -> time:
    """``14:00``, ``9:00 AM``, ``9am``. Raises ValueError, which says what to write."""
    problem = "write a time such as 14:00 or 9:00 AM"
    found = _TIME.fullmatch(text.strip())
    if found is None or (found["minute"] is None and found["half"] is None):
        raise ValueError(problem)
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(problem)
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    if hour > 23 or minute > 59:
        raise ValueError(problem)
    return time(hour, minute)


def _days(text: str) -> str:
    parse_days(text)
    return text


def _time(text: str) -> str:
    parse_time(text)
    return text


WeekdayNames = Annotated[RequiredText, AfterValidator(_days)]
"""A config key for :func:`parse_days`; stays as written."""
ClockTime = Annotated[RequiredText, AfterValidator(_time)]
"""A config key for :func:`parse_time`; stays as written."""


def next_occurrence(now: datetime, zone: ZoneInfo, days: frozenset[int], at: time) -> datetime:
    """The earliest instant strictly after ``now`` that is one of the days at that wall time, in UTC.

    A time inside a gap of the clock moves forward by the gap, a doubled one is taken the first time.
    """
    today = now.astimezone(zone).date()
    for ahead in range(9):
        day = today + timedelta(days=ahead)
        if day.weekday() not in days:
            continue
        # fold=0: inside a gap this uses the offset before it, which moves the time forward by the gap.
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment > now:
            return moment
    raise AssertionError("a week holds every weekday")
