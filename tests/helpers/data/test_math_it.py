"""math_it: exact arithmetic on a field."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(value: Any, operation: str, **config: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": {"f": value}}
    return await run_helper("math_it", {"field": "f", "operation": operation, **config}, crm=fixture)


@pytest.mark.parametrize(
    ("value", "operation", "config", "expected"),
    [
        ("100", "add", {"operand": 10}, "110"),
        ("100", "add", {"operand": "10"}, "110"),
        (100, "subtract", {"operand": 102}, "-2"),
        ("2.5", "multiply", {"operand": 1}, "2.50"),
        ("100", "divide", {"operand": 3}, "33.33"),
        ("200", "percent", {"operand": 15}, "30"),
        ("2.675", "round", {}, "2.68"),
        (2.675, "round", {}, "2.68"),
        ("-2.5", "round", {"decimal_places": 0}, "-3"),
        ("2.5", "round", {"decimal_places": 0}, "3"),
        ("1.005", "round", {"decimal_places": 2}, "1.01"),
        ("2.1", "ceil", {}, "3"),
        ("-2.1", "ceil", {}, "-2"),
        ("-2.1", "floor", {}, "-3"),
        ("-5.5", "abs", {}, "5.50"),
        ("-0.001", "round", {}, "0"),
        ("$1,234.50", "add", {"operand": 0}, "1234.50"),
        ("9007199254740993", "add", {"operand": 0}, "9007199254740993"),
        (None, "add", {"operand": 5}, "5"),
        ("  ", "add", {"operand": 5}, "5"),
        ("1", "divide", {"operand": 8, "decimal_places": 10}, "0.1250000000"),
        ("1", "add", {"operand": 1, "decimal_places": 2.9}, "2"),
        ("1", "add", {"operand": 1, "decimal_places": ""}, "2"),
    ],
)
async def test_the_result_is_exact_text(value: Any, operation: str, config: dict[str, Any], expected: str) -> None:
    """Rounded half away from zero, integral without decimals, never -0, never through a binary float."""
    result = await run(value, operation, **config)

    assert result.output.success
    assert result.crm.field("c1", "f") == expected
    assert result.output.modified_data == {"f": expected}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "f", expected)]


async def test_the_result_is_written_although_it_is_the_same() -> None:
    """Always written; another target leaves the source alone."""
    result = await run("5", "add", operand=0, target_field="g")

    assert (result.crm.field("c1", "f"), result.crm.field("c1", "g")) == ("5", "5")
    assert (await run("5", "add", operand=0)).output.actions


@pytest.mark.parametrize("value", ["abc", "12abc", "1,2", True, "1 2"])
async def test_text_that_is_no_number_changes_nothing(value: Any) -> None:
    """Go turned it into 0 and overwrote the field."""
    result = await run(value, "add", operand=1)

    assert result.error is not None
    assert not result.error.retryable
    assert result.crm.field("c1", "f") == value


async def test_a_division_by_zero_fails_at_run_time() -> None:
    """The config is accepted."""
    result = await run("1", "divide", operand=0)

    assert result.config_error is None
    assert result.error is not None
    assert result.crm.field("c1", "f") == "1"


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"operation": "add"}, "operand"),
        ({"operation": "percent", "operand": None}, "operand"),
        ({"operation": "add", "operand": "ten"}, "operand"),
        ({"operation": "add", "operand": True}, "operand"),
        ({"operation": "add", "operand": 1, "decimal_places": 11}, "decimal_places"),
        ({"operation": "add", "operand": 1, "decimal_places": -1}, "decimal_places"),
        ({"operation": "modulo", "operand": 1}, "operation"),
        ({"operation": "round", "field": ""}, "field"),
    ],
)
async def test_a_bad_config_is_refused(config: dict[str, Any], named: str) -> None:
    """The refusal names the key."""
    result = await run_helper("math_it", {"field": "f", **config}, crm={"contact": {"id": "c1"}})

    assert result.config_error is not None
    assert named in str(result.config_error)
