"""advance_math: a numeric function whose result is stored as a number."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(config: dict[str, Any], **fields: Any) -> Any:
    config = {"source_field": "a", "target_field": "t", **config}
    return await run_helper("advance_math", config, crm={"contact": {"id": "c1"}, "fields": fields})


@pytest.mark.parametrize(
    ("config", "source", "expected"),
    [
        ({"operation": "power", "operand": 3}, "2", 8),
        ({"operation": "power", "operand": "-1"}, 2, 0.5),
        ({"operation": "power", "operand": 0.5}, 9, 3),
        ({"operation": "power", "operand": 0}, 0, 1),
        ({"operation": "power", "operand": 0}, 7, 1),
        ({"operation": "power", "operand": 3}, -2, -8),
        ({"operation": "sqrt"}, "16", 4),
        ({"operation": "sqrt"}, 2, 1.4142135623730951),
        ({"operation": "sqrt"}, 0, 0),
        ({"operation": "sqrt"}, "0.0625", 0.25),
        ({"operation": "abs"}, "-$1,234.50", 1234.5),
        ({"operation": "abs"}, "-12345678901234567890123456789012345", 12345678901234567890123456789012345),
        ({"operation": "round"}, "2.5", 3),
        ({"operation": "round"}, -2.5, -3),
        ({"operation": "round"}, "0.49999999999999999999", 0),
        ({"operation": "round"}, "-0.4", 0),
        ({"operation": "ceil"}, "2.1", 3),
        ({"operation": "ceil"}, "-2.1", -2),
        ({"operation": "floor"}, "2.9", 2),
        ({"operation": "floor"}, "-2.1", -3),
        ({"operation": "min", "operand": 3}, 5, 3),
        ({"operation": "max", "operand": "3.5"}, 5, 5),
        ({"operation": "max", "operand": 0}, -5, 0),
    ],
)
async def test_the_result_is_written_as_a_number(config: dict[str, Any], source: Any, expected: float) -> None:
    """Text is read as a number, and never written."""
    result = await run(config, a=source)

    written = result.crm.field("c1", "t")
    assert written == expected
    assert isinstance(written, int | float)
    assert str(written) != "-0.0"
    (action,) = result.output.actions
    assert (action.type, action.target, action.value) == ("field_updated", "t", expected)
    data = result.output.modified_data
    assert set(data) == {"t", "operation", "source", "result"}
    assert data["t"] == data["result"] == expected
    assert data["operation"] == config["operation"]


async def test_the_source_is_reported_as_a_number() -> None:
    """``"$1,234.50"`` is 1234.5."""
    assert (await run({"operation": "abs"}, a="$1,234.50")).output.modified_data["source"] == 1234.5


async def test_the_second_field_wins_over_the_operand() -> None:
    """An empty name of a second field does not count."""
    assert (await run({"operation": "max", "operand": 1, "second_field": "b"}, a=2, b="9")).crm.field("c1", "t") == 9
    assert (await run({"operation": "max", "operand": 1, "second_field": ""}, a=2, b="9")).crm.field("c1", "t") == 2


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"operation": "abs"}, {}),
        ({"operation": "abs"}, {"a": ""}),
        ({"operation": "abs"}, {"a": "12abc"}),
        ({"operation": "abs"}, {"a": True}),
        ({"operation": "max", "second_field": "b"}, {"a": 1}),
        ({"operation": "max", "second_field": "b", "operand": 4}, {"a": 1, "b": "x"}),
        ({"operation": "sqrt"}, {"a": -1}),
        ({"operation": "power", "operand": 0.5}, {"a": -8}),
        ({"operation": "power", "operand": -1}, {"a": 0}),
        ({"operation": "power", "operand": 400}, {"a": 10}),
        ({"operation": "power", "operand": 1000000000000}, {"a": 10}),
    ],
)
async def test_what_has_no_real_finite_result_fails_for_good(config: dict[str, Any], fields: dict[str, Any]) -> None:
    """Nothing is written: no NaN, no infinity, no complex number."""
    result = await run(config, **fields)

    assert result.error is not None
    assert result.error.retryable is False
    assert result.crm.field("c1", "t") is None


async def test_one_argument_functions_do_not_read_the_second_field() -> None:
    """A second field that holds text is none of their business."""
    assert (await run({"operation": "sqrt", "second_field": "b", "operand": 2}, a=9, b="x")).crm.field("c1", "t") == 3


async def test_a_fixed_key_wins_over_a_target_of_the_same_name() -> None:
    """The target field ``operation`` is written all the same."""
    result = await run({"operation": "sqrt", "target_field": "operation"}, a=9)

    assert result.output.modified_data["operation"] == "sqrt"
    assert result.crm.field("c1", "operation") == 3


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"operation": "log"},
        {"operation": "SQRT"},
        {"operation": "power"},
        {"operation": "min", "second_field": ""},
        {"operation": "max", "operand": None, "second_field": None},
        {"operation": "power", "operand": "two"},
        {"operation": "power", "operand": True},
        {"operation": "sqrt", "source_field": ""},
        {"operation": "sqrt", "source_field": 5},
        {"operation": "sqrt", "target_field": None},
    ],
)
async def test_an_incomplete_config_is_refused(config: dict[str, Any]) -> None:
    """Two-argument functions need a second value."""
    assert (await run(config, a=1)).config_error is not None
