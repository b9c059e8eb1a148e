"""route_it_by_day and route_it_by_time (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

NEW_YORK = "America/New_York"
THURSDAY = "2026-01-15T03:00:00Z"  # still Wednesday evening in New York


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"day_routes": {}},
        {"day_routes": {"Monday": "https://m"}, "timezone": "Mars/Olympus"},
        {"day_routes": "Monday"},
        {"day_routes": {"Monday": "file:///x"}},
    ],
)
async def test_by_day_refuses(config):
    """At least one day and a known zone."""
    assert (await run_helper("route_it_by_day", config)).config_error


@pytest.mark.parametrize("key", ["Thursday", "thursday", "_thursday", "THU", "thu", "_t_h_u"])
async def test_days_match_in_every_spelling(key):
    """Go matched only the capitalised name."""
    run = await run_helper("route_it_by_day", {"day_routes": {key: "https://t", "Tag": "https://x"}}, now=THURSDAY)

    assert run.output.modified_data == {
        "redirect_url": "https://t",
        "routing_reason": "day_of_week=Thursday",
        "day_of_week": "Thursday",
        "routed_at": "2026-01-15T03:00:00Z",
    }
    assert dict(run.output.actions[-1]) == {"type": "contact_routed", "target": "c1", "value": "https://t"}


async def test_the_weekday_is_that_of_the_zone():
    """routed_at carries the zone's offset."""
    config = {"day_routes": {"Wed": "https://w", "Thu": "https://t"}, "timezone": NEW_YORK}

    run = await run_helper("route_it_by_day", config, now=THURSDAY)

    assert run.output.modified_data["redirect_url"] == "https://w"
    assert run.output.modified_data["routed_at"] == "2026-01-14T22:00:00-05:00"


async def test_another_day_takes_the_fallback_or_fails():
    """Without a fallback there is nothing to send the visitor to."""
    config = {"day_routes": {"Friday": "https://f"}, "timezone": ""}

    with_fallback = await run_helper("route_it_by_day", config | {"fallback_url": "https://z"}, now=THURSDAY)
    without = await run_helper("route_it_by_day", config, now=THURSDAY)

    assert with_fallback.output.modified_data["routing_reason"] == "fallback"
    assert with_fallback.output.modified_data["day_of_week"] == "Thursday"
    assert without.error is not None
    assert not without.error.retryable


def by_time(start, end, **extra):
    return {
        "time_routes": [{"start_time": start, "end_time": end, "url": "https://t", **extra}],
        "fallback_url": "https://f",
    }


@pytest.mark.parametrize("time", ["24:00", "25:00", "9", "9:60", "", None, "09:5", "9:00 AM", "9:00:00", "-1:00", 900])
@pytest.mark.parametrize("end", ["start_time", "end_time"])
async def test_bad_times_are_refused(time, end):
    """H:MM or HH:MM."""
    config = by_time("9:00", "10:00")
    config["time_routes"][0][end] = time

    assert (await run_helper("route_it_by_time", config)).config_error


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"time_routes": []},
        by_time("9:00", "10:00") | {"timezone": "X"},
        {"time_routes": [{"start_time": "9:00", "end_time": "10:00"}]},
        {"time_routes": [{"start_time": "9:00", "url": "https://t"}]},
    ],
)
async def test_by_time_refuses(config):
    """Both ends, a URL, a known zone."""
    assert (await run_helper("route_it_by_time", config)).config_error


@pytest.mark.parametrize(
    ("start", "end", "now", "inside"),
    [
        ("9:00", "17:00", "09:00:00", True),
        ("9:00", "17:00", "17:00:59", True),
        ("9:00", "17:00", "17:01:00", False),
        ("9:00", "17:00", "08:59:59", False),
        ("22:00", "6:00", "23:30:00", True),
        ("22:00", "6:00", "06:00:30", True),
        ("22:00", "6:00", "06:01:00", False),
        ("22:00", "6:00", "21:59:59", False),
        ("12:00", "12:00", "12:00:59", True),
        ("12:00", "12:00", "12:01:00", False),
        ("00:00", "23:59", "00:00:00", True),
    ],
)
async def test_both_ends_are_inside_and_ranges_may_cross_midnight(start, end, now, inside):
    """Minute resolution."""
    run = await run_helper("route_it_by_time", by_time(start, end), now=f"2026-01-15T{now}Z")

    assert run.output.modified_data["redirect_url"] == ("https://t" if inside else "https://f")
    assert run.output.modified_data["routing_reason"] == (f"time_range={start}-{end}" if inside else "fallback")
    assert run.output.modified_data["current_time"] == now[:5]


async def test_the_first_range_wins_and_its_label_is_the_reason():
    """With the strings as configured, in the zone."""
    config = by_time("5:00", "09:30", label="morning")
    config["time_routes"].append({"start_time": "0:00", "end_time": "23:59", "url": "https://late"})

    run = await run_helper("route_it_by_time", config | {"timezone": NEW_YORK}, now="2026-01-15T14:30:59Z")

    assert run.output.modified_data == {
        "redirect_url": "https://t",
        "routing_reason": "time_range=morning (5:00-09:30)",
        "current_time": "09:30",
        "timezone": NEW_YORK,
        "routed_at": "2026-01-15T09:30:59-05:00",
    }


async def test_no_range_and_no_fallback_is_a_permanent_error():
    """Nothing to send the visitor to."""
    run = await run_helper("route_it_by_time", by_time("1:00", "2:00") | {"fallback_url": None})

    assert run.error is not None
    assert not run.error.retryable
