"""Spec data D8: Go reference-time layouts."""

# ruff: noqa: DTZ001  values without an offset are what these tests are about

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from helpers.rules.go_layout import format_date

MOMENT = datetime(2024, 3, 5, 16, 7, 9, 120000, tzinfo=UTC)
MORNING = datetime(2024, 11, 15, 0, 30, 45, tzinfo=timezone(timedelta(hours=-5)))


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("2006", "2024"),
        ("06", "24"),
        ("January", "March"),
        ("Jan", "Mar"),
        ("01", "03"),
        ("1", "3"),
        ("Monday", "Tuesday"),
        ("Mon", "Tue"),
        ("02", "05"),
        ("_2", " 5"),
        ("2", "5"),
        ("002", "065"),
        ("__2", " 65"),
        ("15", "16"),
        ("03", "04"),
        ("3", "4"),
        ("PM", "PM"),
        ("pm", "pm"),
        ("04", "07"),
        ("4", "7"),
        ("05", "09"),
        ("5", "9"),
        (".000", ".120"),
        (".0", ".1"),
        (".000000000", ".120000000"),
        (".999", ".12"),
        (",000", ",120"),
        (",999", ",12"),
        ("MST", "UTC"),
        ("-0700", "+0000"),
        ("-07:00", "+00:00"),
        ("-07", "+00"),
        ("Z0700", "Z"),
        ("Z07:00", "Z"),
        ("Z07", "Z"),
    ],
)
def test_every_token_prints_its_part(layout: str, expected: str) -> None:
    """Each token of the reference time stands for one part of the date."""
    assert format_date(MOMENT, layout) == expected


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("2006-01-02", "2024-03-05"),
        ("2006-01-02T15:04:05Z07:00", "2024-03-05T16:07:09Z"),
        ("2006-01-02T15:04:05.999999999Z07:00", "2024-03-05T16:07:09.12Z"),
        ("01/02/2006", "03/05/2024"),
        ("1/2/06", "3/5/24"),
        ("Jan 2, 2006", "Mar 5, 2024"),
        ("January 2, 2006 at 3:04 PM", "March 5, 2024 at 4:07 PM"),
        ("3:04pm", "4:07pm"),
        ("Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 05-Mar-24 16:07:09 UTC"),
        ("Mon, 02 Jan 2006 15:04:05 -0700", "Tue, 05 Mar 2024 16:07:09 +0000"),
        ("Mon Jan _2 15:04:05 2006", "Tue Mar  5 16:07:09 2024"),
        ("20060102150405", "20240305160709"),
        ("02.01.2006", "05.03.2024"),
        ("Q 2006", "Q 2024"),
        ("", ""),
        ("no token", "no token"),
        ("_2006", "_2024"),
        ("__2006", "__2024"),
        ("2006_01_02", "2024_03_05"),
        ("Janx", "Janx"),
        ("JanX", "MarX"),
        ("Month", "Month"),
        ("Mon.", "Tue."),
        ("Monday2", "Tuesday5"),
        ("Januarys", "Marchs"),
        (".0001", ".0003"),
        ("2006.01", "2024.03"),
        ("07 08 09 00", "07 08 09 00"),
        ("X-07Y", "X+00Y"),
        ("Zulu", "Zulu"),
    ],
)
def test_a_layout_is_tokens_and_literals(layout: str, expected: str) -> None:
    """The longest token wins, and what is no token stays as it is."""
    assert format_date(MOMENT, layout) == expected


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("03:04 PM", "12:30 AM"),
        ("3pm", "12am"),
        ("15", "00"),
        (".999", ""),
        (".000", ".000"),
        ("05.99", "45"),
        ("MST", "-0500"),
        ("-0700", "-0500"),
        ("-07:00", "-05:00"),
        ("-07", "-05"),
        ("Z0700", "-0500"),
        ("Z07:00", "-05:00"),
        ("Z07", "-05"),
        ("-07:00:00", "-05:00:00"),
        ("Z070000", "-050000"),
    ],
)
def test_a_value_with_an_offset_prints_its_own_clock(layout: str, expected: str) -> None:
    """Midnight is 12 AM, a zero fraction vanishes, a bare offset has no zone name."""
    assert format_date(MORNING, layout) == expected


def test_a_zone_prints_its_abbreviation() -> None:
    """The abbreviation follows daylight saving time."""
    new_york = ZoneInfo("America/New_York")
    assert format_date(datetime(2024, 7, 1, 12, tzinfo=new_york), "15:04 MST -0700") == "12:00 EDT -0400"
    assert format_date(datetime(2024, 1, 1, 12, tzinfo=new_york), "15:04 MST -0700") == "12:00 EST -0500"


def test_half_hour_zones_print_their_minutes() -> None:
    """Offsets of less than an hour keep sign and minutes."""
    moment = datetime(2024, 1, 1, tzinfo=timezone(timedelta(minutes=-30)))
    assert format_date(moment, "-07:00") == "-00:30"
    assert format_date(datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Kolkata")), "Z07:00 MST") == "+05:30 IST"


def test_a_naive_value_formats_as_utc() -> None:
    """A value without an offset prints as UTC."""
    assert format_date(datetime(2024, 1, 15, 10, 30), "2006-01-02T15:04:05Z07:00 MST") == "2024-01-15T10:30:00Z UTC"


def test_early_years_keep_four_digits() -> None:
    """Year 5 is 0005 whatever the C library does."""
    assert format_date(datetime(5, 1, 2), "2006-01-02") == "0005-01-02"


def test_a_percent_sign_means_strftime() -> None:
    """A format with % is a strftime format, in which Go tokens are plain text."""
    assert format_date(MOMENT, "%Y/%m/%d 2006 %H:%M %z") == "2024/03/05 2006 16:07 +0000"
    assert format_date(datetime(2024, 1, 15), "%Z") == "UTC"
