"""Dates as contacts hold them: one parser for all helpers, and what may be done with the result (spec data D7).

Numeric forms with slashes or a leading month are month-first always: ``13/01/2024`` is no date. Two-digit years
and bare numbers are none either. A value without an offset stays naive; where an instant is needed it counts as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from helpers.rules.numbers import Exact

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MONTH_NUMBERS = {spelling.casefold(): number for number, name in enumerate(MONTHS, 1) for spelling in (name, name[:3])}
_MONTH_NAME = r"(?P<name>[A-Za-z]+)"
_MONTH, _DAY, _YEAR = r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})", r"(?P<year>[0-9]{4})"
_MINUTE, _SECOND = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})", r":(?P<second>[0-9]{2})"
_CLOCK = rf"{_MINUTE}(?:{_SECOND}(?:\.(?P<fraction>[0-9]+))?)?"
_OFFSET = r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<offset_hours>[0-9]{2})(?::?(?P<offset_minutes>[0-9]{2}))?)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_OFFSET}?",
        rf"{_YEAR}-{_MONTH}-{_DAY}(?: {_CLOCK})?",
        rf"{_MONTH}(?P<mark>[/-]){_DAY}(?P=mark){_YEAR}(?: {_MINUTE}{_SECOND})?",
        rf"{_MONTH_NAME} +{_DAY}, *{_YEAR}",
        rf"{_DAY} +{_MONTH_NAME} +{_YEAR}",
    )
)


def parse_date(value: Any) -> datetime | None:
    """The date-time a value stands for, naive unless the value carries an offset; None where it is no date.

    Date-only values are midnight. Fractions beyond a microsecond are cut.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = next((found for form in _FORMS if (found := form.fullmatch(text))), None)
    return None if match is None else _moment(match.groupdict())


def _moment(parts: dict[str, str | None]) -> datetime | None:
    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    month = _MONTH_NUMBERS.get((parts.get("name") or "").casefold(), number("month"))
    microsecond = int((parts.get("fraction") or "")[:6].ljust(6, "0"))
    try:
        return datetime(
            number("year"), month, number("day"),
            number("hour"), number("minute"), number("second"), microsecond,
            tzinfo=_zone(parts),
        )  # fmt: skip
    except ValueError:
        return None


def _zone(parts: dict[str, str | None]) -> timezone | None:
    """Raises ValueError for an offset that no clock has."""
    if parts.get("utc"):
        return UTC
    if not parts.get("sign"):
        return None
    hours, minutes = int(parts["offset_hours"] or 0), int(parts["offset_minutes"] or 0)
    if minutes > 59:
        raise ValueError("offset minutes")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if parts["sign"] == "-" else offset)


def as_utc(moment: datetime) -> datetime:
    """The instant in UTC; a naive value counts as UTC.

    Raises OverflowError where the UTC clock would leave the years 1-9999.
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def days_before(moment: datetime, days: Exact | float) -> datetime:
    """The aware moment so many days earlier; the first or last instant of the calendar where it would leave it."""
    try:
        return moment - timedelta(days=float(days))
    except OverflowError:
        return datetime(1, 1, 1, tzinfo=UTC) if days > 0 else datetime(9999, 12, 31, tzinfo=UTC)


def instant_of(value: Any) -> datetime | None:
    """The instant (UTC) a value stands for, or None where it is no date."""
    moment = parse_date(value)
    try:
        return None if moment is None else as_utc(moment)
    except OverflowError:
        return None


def utc_text(moment: datetime) -> str:
    """``2026-01-15T10:00:00Z``: whole seconds, UTC."""
    instant = as_utc(moment).replace(microsecond=0, tzinfo=None)
    return f"{instant.isoformat()}Z"
