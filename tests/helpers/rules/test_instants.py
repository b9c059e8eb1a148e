"""Instants as text and time zones by name (spec automation C4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ValidationError

from helpers.rules.instants import ZoneName, instant_text, parse_instant


class Config(BaseModel):
    timezone: ZoneName = "UTC"


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        (datetime(2026, 1, 15, 10, 0, 0, 999_999, UTC), UTC, "2026-01-15T10:00:00Z"),
        (datetime(2026, 1, 15, 10, 0, tzinfo=UTC), ZoneInfo("America/New_York"), "2026-01-15T05:00:00-05:00"),
        (datetime(2026, 7, 15, 10, 0, tzinfo=UTC), ZoneInfo("America/New_York"), "2026-07-15T06:00:00-04:00"),
        (datetime(2026, 1, 15, 10, 0, tzinfo=UTC), ZoneInfo("Asia/Kolkata"), "2026-01-15T15:30:00+05:30"),
        (datetime(2026, 1, 15, 10, 0, tzinfo=UTC), ZoneInfo("UTC"), "2026-01-15T10:00:00Z"),
        (datetime(2026, 1, 15, 10, 0, tzinfo=timezone(timedelta(hours=2))), UTC, "2026-01-15T08:00:00Z"),
    ],
)
def test_instants_have_whole_seconds_and_the_offset_of_their_zone(moment, zone, text):
    """RFC 3339 without fractions; an offset of zero is Z."""
    assert instant_text(moment, zone) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T12:30:45Z", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
        ("2026-03-01T12:30:45+00:00", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
        ("2026-03-01T12:30:45+0200", datetime(2026, 3, 1, 10, 30, 45, tzinfo=UTC)),
        ("2026-03-01T12:30:45.123456789-05:00", datetime(2026, 3, 1, 17, 30, 45, 123456, UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01 12:30:45", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
        (" 2026-03-01 ", datetime(2026, 3, 1, tzinfo=UTC)),
        (date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime.fromisoformat("2026-03-01T01:02"), datetime(2026, 3, 1, 1, 2, tzinfo=UTC)),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_every_accepted_notation_is_read_as_utc(value, expected):
    """Without an offset it is UTC, with one it is converted."""
    assert parse_instant(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2026-02-30",
        "2026-3-1",
        "2026-03-01T25:00",
        "2026-03-01T12",
        "03/01/2026",
        1772323200,
        None,
        True,
        [],
    ],
)
def test_what_is_no_instant_is_none(value):
    """Nothing is guessed."""
    assert parse_instant(value) is None


@pytest.mark.parametrize("stored", [None, "", "  "])
def test_an_unset_zone_is_the_default(stored):
    """Forms store null and blanks for what was not filled in."""
    assert Config(timezone=stored).timezone == "UTC"


@pytest.mark.parametrize("name", ["Mars/Olympus", "America", "../etc/passwd", "/etc/passwd", 5])
def test_an_unknown_zone_is_refused(name):
    """A zone is refused when the config is stored, not when it first runs."""
    with pytest.raises(ValidationError):
        Config(timezone=name)
