"""when_is_it: from one time zone to another."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

NEW_YORK = "America/New_York"
FULL = "2006-01-02T15:04:05Z07:00"


async def run(value: Any, **config: Any) -> Any:
    config = {"source_field": "s", "target_field": "t", "to_timezone": "UTC", "output_format": FULL, **config}
    return await run_helper("when_is_it", config, crm={"contact": {"id": "c1"}, "fields": {"s": value}})


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("2024-07-01T12:00:00Z", NEW_YORK, NEW_YORK, "2024-07-01T08:00:00-04:00"),
        ("2024-01-01T12:00:00Z", "", NEW_YORK, "2024-01-01T07:00:00-05:00"),
        ("2024-01-01T12:00:00+09:00", NEW_YORK, "UTC", "2024-01-01T03:00:00Z"),
        ("2024-01-01 12:00:00", NEW_YORK, "UTC", "2024-01-01T17:00:00Z"),
        ("2024-01-01 12:00", None, "Asia/Kolkata", "2024-01-01T17:30:00+05:30"),
        ("2024-01-15", NEW_YORK, "UTC", "2024-01-15T05:00:00Z"),
        ("01/15/2024", "Asia/Tokyo", NEW_YORK, "2024-01-14T10:00:00-05:00"),
        ("2024-03-10T02:30:00", NEW_YORK, "UTC", "2024-03-10T07:30:00Z"),
        ("2024-03-10T02:30:00", NEW_YORK, NEW_YORK, "2024-03-10T03:30:00-04:00"),
        ("2024-11-03T01:30:00", NEW_YORK, "UTC", "2024-11-03T05:30:00Z"),
        ("2024-11-03T01:30:00", NEW_YORK, NEW_YORK, "2024-11-03T01:30:00-04:00"),
        ("2024-11-03T06:30:00Z", "UTC", NEW_YORK, "2024-11-03T01:30:00-05:00"),
    ],
)
async def test_the_instant_is_shown_in_the_other_zone(value: str, source: Any, target: str, expected: str) -> None:
    """A value's own offset wins; skipped and doubled local times take the earlier offset."""
    result = await run(value, from_timezone=source, to_timezone=target)

    assert result.crm.field("c1", "t") == expected
    assert result.output.modified_data == {"t": expected}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "t", expected)]


async def test_the_format_is_a_go_layout_with_zone_names() -> None:
    """English names, the zone's abbreviation."""
    result = await run("2024-07-01T18:05:00Z", to_timezone=NEW_YORK, output_format="Mon Jan 2, 3:04 PM MST")
    assert result.crm.field("c1", "t") == "Mon Jul 1, 2:05 PM EDT"


@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_field_is_left_alone(value: Any) -> None:
    """Success without action."""
    result = await run(value)

    assert result.output.success
    assert (result.output.actions, result.output.modified_data) == ([], {})


@pytest.mark.parametrize("value", ["soon", "  ", "15/01/2024", 1705312200, "0001-01-01T00:00:00+14:00"])
async def test_an_unreadable_date_fails_for_good(value: Any) -> None:
    """Nothing is written."""
    result = await run(value)

    assert result.error is not None
    assert result.error.retryable is False
    assert result.crm.field("c1", "t") is None


@pytest.mark.parametrize(
    "config",
    [
        {"to_timezone": "Mars/Olympus"},
        {"to_timezone": ""},
        {"to_timezone": None},
        {"from_timezone": "EST5EDT4"},
        {"from_timezone": "../etc/passwd"},
        {"from_timezone": "America"},
        {"output_format": ""},
        {"output_format": None},
        {"source_field": ""},
        {"target_field": ""},
    ],
)
async def test_an_unknown_zone_is_refused_before_the_run(config: dict[str, Any]) -> None:
    """As is a missing key."""
    assert (await run("2024-01-01", **config)).config_error is not None
