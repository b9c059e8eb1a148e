"""Spec data D7: the one date parser."""

# ruff: noqa: DTZ001  values without an offset are what these tests are about

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.rules.dates import as_utc, instant_of, parse_date, utc_text

EST = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T10:30:00Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2024-01-15T10:30:00.25Z", datetime(2024, 1, 15, 10, 30, 0, 250000, tzinfo=UTC)),
        ("2024-01-15T10:30:00.123456789Z", datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)),
        ("2024-01-15T10:30:00-05:00", datetime(2024, 1, 15, 10, 30, tzinfo=EST)),
        ("2024-01-15T10:30:00.5-0500", datetime(2024, 1, 15, 10, 30, 0, 500000, tzinfo=EST)),
        ("2024-01-15T10:30:00+0000", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2024-01-15T10:30:00+05:30", datetime(2024, 1, 15, 10, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("2024-01-15T10:30Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_date_time_with_an_offset_keeps_it(text: str, expected: datetime) -> None:
    """Offset and fraction of an ISO date-time survive."""
    parsed = parse_date(text)
    assert parsed == expected
    assert parsed is not None
    assert parsed.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T10:30:45", datetime(2024, 1, 15, 10, 30, 45)),
        ("2024-01-15T10:30", datetime(2024, 1, 15, 10, 30)),
        ("2024-01-15 10:30:45", datetime(2024, 1, 15, 10, 30, 45)),
        ("2024-01-15 10:30", datetime(2024, 1, 15, 10, 30)),
        ("2024-01-15 10:30:45.5", datetime(2024, 1, 15, 10, 30, 45, 500000)),
        ("2024-01-15T10:30:45.678", datetime(2024, 1, 15, 10, 30, 45, 678000)),
        ("2024-01-15", datetime(2024, 1, 15)),
        ("2024-1-5", datetime(2024, 1, 5)),
        ("  2024-01-15\n", datetime(2024, 1, 15)),
        ("01/15/2024", datetime(2024, 1, 15)),
        ("1/5/2024", datetime(2024, 1, 5)),
        ("01-15-2024", datetime(2024, 1, 15)),
        ("1-5-2024", datetime(2024, 1, 5)),
        ("01/15/2024 10:30:45", datetime(2024, 1, 15, 10, 30, 45)),
        ("01-15-2024 10:30:45", datetime(2024, 1, 15, 10, 30, 45)),
        ("02/01/2024", datetime(2024, 2, 1)),
        ("Jan 2, 2006", datetime(2006, 1, 2)),
        ("January 2, 2006", datetime(2006, 1, 2)),
        ("JANUARY 02, 2006", datetime(2006, 1, 2)),
        ("may 2, 2006", datetime(2006, 5, 2)),
        ("02 Jan 2006", datetime(2006, 1, 2)),
        ("2 january 2006", datetime(2006, 1, 2)),
        ("31 DECEMBER 2024", datetime(2024, 12, 31)),
        ("2024-02-29", datetime(2024, 2, 29)),
        ("0001-01-01", datetime(1, 1, 1)),
    ],
)  # fmt: skip
def test_a_value_without_an_offset_is_naive(text: str, expected: datetime) -> None:
    """Every accepted form without an offset gives a naive date-time, month first."""
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", "   ", "tomorrow", "13/01/2024", "31-12-2024", "2024-13-01", "2024-02-30", "2023-02-29", "0000-01-01",
        "01/15/24", "1/5/24", "Jan 2, 06", "20240115", "1705312200", "2024", "01/15-2024", "2024/01/15", "15.01.2024",
        "2024-01-15T", "2024-01-15T25:00:00Z", "2024-01-15T10:60:00", "2024-01-15T10:30:60", "2024-01-15T1:30:00",
        "2024-01-15T10:30:00+24:00", "2024-01-15T10:30:00+05:60", "2024-01-15T10:30:00.Z", "2024-01-15 10:30:00 PM",
        "01/15/2024 10:30", "2024-01-15 and more", "x2024-01-15", "2024-01-15\n2024-01-16", "Janu 2, 2006",
        "Foo 2, 2006", "Jan 32, 2006", "Jan 2 2006", "2nd Jan 2006", "Mon, 02 Jan 2006", "２０２４-01-15",
        None, True, 20240115, 1705312200.0, [], {},
    ],
)  # fmt: skip
def test_everything_else_is_no_date(value: Any) -> None:
    """Day-first, two-digit years, bare numbers, impossible dates and trailing text are no dates."""
    assert parse_date(value) is None


def test_date_objects_of_a_connector_are_accepted() -> None:
    """A date is its midnight, a date-time is itself."""
    moment = datetime(2024, 1, 15, 10, 30, tzinfo=EST)
    assert parse_date(moment) is moment
    assert parse_date(date(2024, 1, 15)) == datetime(2024, 1, 15)


def test_a_naive_value_counts_as_utc_where_an_instant_is_needed() -> None:
    """Instants compare naive values as UTC and others by their offset."""
    assert as_utc(datetime(2024, 1, 15)) == datetime(2024, 1, 15, tzinfo=UTC)
    assert instant_of("2024-01-15T10:30:00-05:00") == datetime(2024, 1, 15, 15, 30, tzinfo=UTC)
    assert instant_of("never") is None


def test_an_instant_outside_the_calendar_is_none() -> None:
    """Year 1 in the east begins before year 1 in UTC."""
    assert instant_of("0001-01-01T00:00:00+05:00") is None


def test_the_utc_text_has_whole_seconds_and_a_z() -> None:
    """Timestamps are written in UTC without a fraction."""
    assert utc_text(datetime(2026, 1, 15, 5, 0, 0, 999, tzinfo=EST)) == "2026-01-15T10:00:00Z"
