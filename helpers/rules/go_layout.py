"""Dates out: the Go reference-time layouts that stored `output_format` values are written in (spec data D8).

`2006-01-02 15:04` stands for year, month, day, hour, minute of the date to print. Names are English whatever the
locale. A layout with a ``%`` is a strftime format instead. Source of the tokens: the Go package `time`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from helpers.rules.dates import MONTHS, WEEKDAYS

# Alternatives are tried in order, so the longest of a family comes first.
_TOKEN = re.compile(
    r"""
    2006 | January | Jan(?![a-z]) | Monday | Mon(?![a-z]) | MST
    | 002 | 0[1-6] | 15 | [1-5] | __2(?!006) | _2(?!006) | PM | pm
    | -070000 | -07:00:00 | -0700 | -07:00 | -07 | Z070000 | Z07:00:00 | Z0700 | Z07:00 | Z07
    | [.,](?:0+|9+)(?![0-9])
    """,
    re.VERBOSE,
)


def format_date(moment: datetime, layout: str) -> str:
    """The date in a Go layout, or in a strftime format where it contains ``%``. A naive value formats as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if "%" in layout:
        return moment.strftime(layout)
    return _TOKEN.sub(lambda match: _print(match[0], moment), layout)


def _print(token: str, moment: datetime) -> str:
    if token in _TOKENS:
        return _TOKENS[token](moment)
    if token[0] in ".,":
        return _fraction(token, moment)
    return _offset(token, moment)


def _half_day_hour(moment: datetime) -> int:
    return moment.hour % 12 or 12


def _abbreviation(moment: datetime) -> str:
    """A zone of a bare offset has no name: Go prints the offset instead, and UTC for a zero one."""
    if isinstance(moment.tzinfo, timezone):
        return _offset("-0700", moment) if moment.utcoffset() else "UTC"
    return moment.tzname() or _offset("-0700", moment)


def _fraction(token: str, moment: datetime) -> str:
    digits = f"{moment.microsecond:06d}".ljust(len(token) - 1, "0")[: len(token) - 1]
    if token[1] == "9":
        digits = digits.rstrip("0")
    return token[0] + digits if digits else ""


def _offset(token: str, moment: datetime) -> str:
    offset = moment.utcoffset() or timedelta()
    if token[0] == "Z" and not offset:
        return "Z"
    seconds = int(abs(offset).total_seconds())
    parts = [seconds // 3600, seconds // 60 % 60, seconds % 60][: len(token.replace(":", "")) // 2]
    sign = "-" if offset < timedelta() else "+"
    return sign + (":" if ":" in token else "").join(f"{part:02d}" for part in parts)


_TOKENS: dict[str, Callable[[datetime], str]] = {
    "2006": lambda moment: f"{moment.year:04d}",
    "06": lambda moment: f"{moment.year % 100:02d}",
    "January": lambda moment: MONTHS[moment.month - 1],
    "Jan": lambda moment: MONTHS[moment.month - 1][:3],
    "01": lambda moment: f"{moment.month:02d}",
    "1": lambda moment: str(moment.month),
    "Monday": lambda moment: WEEKDAYS[moment.weekday()],
    "Mon": lambda moment: WEEKDAYS[moment.weekday()][:3],
    "02": lambda moment: f"{moment.day:02d}",
    "_2": lambda moment: f"{moment.day:2d}",
    "2": lambda moment: str(moment.day),
    "002": lambda moment: f"{moment.timetuple().tm_yday:03d}",
    "__2": lambda moment: f"{moment.timetuple().tm_yday:3d}",
    "15": lambda moment: f"{moment.hour:02d}",
    "03": lambda moment: f"{_half_day_hour(moment):02d}",
    "3": lambda moment: str(_half_day_hour(moment)),
    "PM": lambda moment: "AM" if moment.hour < 12 else "PM",
    "pm": lambda moment: "am" if moment.hour < 12 else "pm",
    "04": lambda moment: f"{moment.minute:02d}",
    "4": lambda moment: str(moment.minute),
    "05": lambda moment: f"{moment.second:02d}",
    "5": lambda moment: str(moment.second),
    "MST": _abbreviation,
}
