"""date_calc: date arithmetic that keeps the value's own clock."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(config: dict[str, Any], value: Any = None, **options: Any) -> Any:
    fields = {"d": value, **options.pop("fields", {})}
    return await run_helper(
        "date_calc", {"field": "d", **config}, crm={"contact": {"id": "c1"}, "fields": fields}, **options
    )


@pytest.mark.parametrize(
    ("operation", "amount", "value", "expected"),
    [
        ("add_days", 1, "2024-02-28", "2024-02-29"),
        ("add_days", "30", "2024-01-15", "2024-02-14"),
        ("add_days", -1, "2024-03-01", "2024-02-29"),
        ("add_days", 1.9, "2024-01-01", "2024-01-02"),
        ("subtract_days", 15, "01/15/2024", "2023-12-31"),
        ("add_months", 1, "2024-01-31", "2024-02-29"),
        ("add_months", 1, "2023-01-31", "2023-02-28"),
        ("add_months", 13, "Jan 31, 2024", "2025-02-28"),
        ("add_months", -1, "2024-03-31", "2024-02-29"),
        ("subtract_months", 1, "2024-03-31", "2024-02-29"),
        ("subtract_months", 12, "2024-02-29", "2023-02-28"),
        ("add_years", 1, "2024-02-29", "2025-02-28"),
        ("add_years", 4, "2024-02-29", "2028-02-29"),
        ("subtract_years", 1, "2024-02-29", "2023-02-28"),
        ("add_days", 0, "2024-1-5", "2024-01-05"),
    ],
)
async def test_the_calendar_is_moved(operation: str, amount: Any, value: str, expected: str) -> None:
    """A day past the month's end becomes its last day."""
    result = await run({"operation": operation, "amount": amount}, value)

    assert result.crm.field("c1", "d") == expected
    assert result.output.modified_data == {"d": expected}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "d", expected)]


@pytest.mark.parametrize(
    ("operation", "amount", "value", "expected"),
    [
        ("add_months", 1, "2024-01-31", "2024-03-02"),
        ("add_months", 1, "2023-01-31", "2023-03-03"),
        ("add_years", 1, "2024-02-29", "2025-03-01"),
        ("subtract_months", 1, "2024-03-31", "2024-03-02"),
        ("add_months", 1, "2024-01-15", "2024-02-15"),
    ],
)
async def test_rollover_carries_the_surplus_days_over(operation: str, amount: int, value: str, expected: str) -> None:
    """What the earlier platform always did."""
    result = await run({"operation": operation, "amount": amount, "month_overflow": "rollover"}, value)
    assert result.crm.field("c1", "d") == expected


async def test_time_of_day_and_offset_are_kept() -> None:
    """Days are calendar days on the value's own clock."""
    config = {"operation": "add_months", "amount": 1, "target_field": "t", "output_format": "2006-01-02T15:04:05Z07:00"}
    result = await run(config, "2024-01-31T23:30:05-05:00")

    assert result.crm.field("c1", "t") == "2024-02-29T23:30:05-05:00"
    assert result.crm.field("c1", "d") == "2024-01-31T23:30:05-05:00"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2024-01-01", "2024-01-31", "30"),
        ("2024-01-31", "2024-01-01", "-30"),
        ("2024-01-01T00:00:00Z", "2024-01-02T12:00:00Z", "1"),
        ("2024-01-02T12:00:00Z", "2024-01-01T00:00:00Z", "-1"),
        ("2024-01-01T12:00:00", "2024-01-01T00:00:00", "0"),
        ("2024-01-01T00:00:00-05:00", "2024-01-02T00:00:00Z", "0"),
        ("2024-01-01", "2024-01-02T04:59:59+05:00", "0"),
        ("2024-01-01", "2024-01-02T05:00:00+05:00", "1"),
    ],
)
async def test_a_difference_is_whole_days_toward_zero(first: str, second: str, expected: str) -> None:
    """Instants are compared, naive ones as UTC; the format does not matter."""
    config = {"operation": "diff_days", "compare_field": "e", "target_field": "t", "output_format": "Jan"}
    result = await run(config, first, fields={"e": second})

    assert result.crm.field("c1", "t") == expected
    assert result.output.modified_data == {"t": expected}


async def test_a_difference_without_a_target_overwrites_the_field_and_says_so() -> None:
    """Stored configs rely on it."""
    result = await run({"operation": "diff_days", "compare_field": "e"}, "2024-01-01", fields={"e": "2024-01-05"})

    assert result.crm.field("c1", "d") == "4"
    assert result.output.logs


@pytest.mark.parametrize(
    ("value", "layout", "expected"),
    [
        ("2024-01-15T23:30:00-05:00", None, "2024-01-15"),
        ("2024-01-15T23:30:00-05:00", "", "2024-01-15"),
        ("2024-01-15 09:05:00", "Monday, January 2, 2006 3:04 PM", "Monday, January 15, 2024 9:05 AM"),
        ("15 january 2024", "01/02/06", "01/15/24"),
        ("2024-01-15", "2006-01-02T15:04:05Z07:00", "2024-01-15T00:00:00Z"),
        ("2024-01-15", "%d.%m.%Y", "15.01.2024"),
    ],
)
async def test_format_rewrites_without_a_zone_conversion(value: str, layout: str | None, expected: str) -> None:
    """The wall clock of the value is what is printed."""
    config: dict[str, Any] = {"operation": "format", "target_field": "t"}
    if layout is not None:
        config["output_format"] = layout
    assert (await run(config, value)).crm.field("c1", "t") == expected


async def test_set_now_needs_no_source() -> None:
    """The clock of the runtime, in UTC, goes to target_field or field."""
    now = "2026-01-15T23:30:00-05:00"
    to_target = await run({"operation": "set_now", "target_field": "t"}, "not a date", now=now)
    to_field = await run({"operation": "set_now", "output_format": "2006-01-02 15:04 MST"}, now=now)

    assert to_target.crm.field("c1", "t") == "2026-01-16"
    assert to_field.crm.field("c1", "d") == "2026-01-16 04:30 UTC"


async def test_set_now_without_any_field_is_accepted_and_fails_when_run() -> None:
    """Stored configs of that kind exist."""
    result = await run_helper("date_calc", {"operation": "set_now"}, crm={"contact": {"id": "c1"}})

    assert result.config_error is None
    assert result.error is not None
    assert result.error.retryable is False


@pytest.mark.parametrize("value", [None, "", "  ", "soon", "13/01/2024", 20240115])
async def test_an_unreadable_date_fails_for_good(value: Any) -> None:
    """Nothing is written."""
    result = await run({"operation": "add_days", "amount": 1, "target_field": "t"}, value)

    assert result.error is not None
    assert result.error.retryable is False
    assert result.crm.field("c1", "t") is None


@pytest.mark.parametrize(
    ("operation", "amount", "value", "overflow"),
    [
        ("add_days", 1, "9999-12-31", "clamp"),
        ("add_days", 10**15, "2024-01-01", "clamp"),
        ("subtract_months", 1, "0001-01-01", "clamp"),
        ("add_years", 8000, "2024-01-01", "clamp"),
        ("add_years", 10**20, "2024-01-01", "clamp"),
        ("add_months", 1, "9999-12-31", "rollover"),
    ],
)
async def test_a_result_outside_the_calendar_fails_for_good(
    operation: str, amount: int, value: str, overflow: str
) -> None:
    """Years 1 to 9999."""
    result = await run({"operation": operation, "amount": amount, "month_overflow": overflow}, value)

    assert result.error is not None
    assert "years 1 to 9999" in str(result.error)
    assert result.crm.field("c1", "d") == value


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"operation": "add_weeks", "amount": 1},
        {"operation": "add_days"},
        {"operation": "subtract_years", "amount": ""},
        {"operation": "add_days", "amount": "many"},
        {"operation": "add_days", "amount": True},
        {"operation": "add_days", "amount": 1, "field": ""},
        {"operation": "format", "field": None},
        {"operation": "diff_days"},
        {"operation": "diff_days", "compare_field": ""},
        {"operation": "format", "month_overflow": "Clamp"},
    ],
)
async def test_an_incomplete_config_is_refused(config: dict[str, Any]) -> None:
    """Each operation names what it needs."""
    assert (await run(config, "2024-01-01")).config_error is not None


async def test_a_difference_from_before_the_year_1_is_a_failure() -> None:
    """In UTC that instant has no date."""
    config = {"operation": "diff_days", "compare_field": "other", "target_field": "t"}
    result = await run(config, "0001-01-01T00:00:00+05:00", fields={"other": "2024-01-01"})

    assert result.error is not None
    assert "outside the years" in str(result.error)
    assert result.crm.field("c1", "t") is None
