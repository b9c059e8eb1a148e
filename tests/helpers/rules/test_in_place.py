"""A result that replaces the value it was computed from survives a second delivery of its execution."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

IDS = {"execution_id": "exec:1"}


@pytest.mark.parametrize(
    ("helper_type", "config", "value", "expected"),
    [
        ("math_it", {"field": "f", "operation": "add", "operand": 10}, "100", "110"),
        ("advance_math", {"operation": "power", "source_field": "f", "operand": 2, "target_field": "f"}, 3, 9),
        ("date_calc", {"operation": "add_months", "field": "f", "amount": 1}, "2024-01-31", "2024-02-29"),
        ("date_calc", {"operation": "format", "field": "f", "output_format": "Mon 2"}, "2024-01-15", "Mon 15"),
        ("date_calc", {"operation": "diff_days", "field": "g", "compare_field": "f", "target_field": "f"}, "2024-01-03",
         "2"),
        ("quote_it", {"source_field": "f", "target_field": "f"}, "a", '"a"'),
        ("text_it", {"field": "f", "operation": "append", "value": "!"}, "a", "a!"),
        ("text_it", {"field": "f", "operation": "reverse", "target_field": "f"}, "ab", "ba"),
        ("combine_it", {"source_fields": ["f", "g"], "target_field": "f"}, "due", "due 2024-01-01"),
        ("merge_it", {"source_fields": ["g", "f"], "target_field": "f"}, "due", "2024-01-01 due"),
        ("default_to_field", {"default": "Mr @f", "to_field": "f"}, "Bob", "Mr Bob"),
        ("name_parse_it", {"source_field": "f", "last_name_field": "f"}, "Ada Lovelace", "Lovelace"),
        ("word_count_it", {"source_field": "f", "target_field": "f", "count_type": "characters"}, "abcd", "4"),
        ("when_is_it", {"source_field": "f", "target_field": "f", "to_timezone": "Asia/Tokyo",
                        "output_format": "2006-01-02 15:04"}, "2024-01-15 10:00", "2024-01-15 19:00"),
    ],
)  # fmt: skip
async def test_the_second_delivery_does_what_the_first_did(
    helper_type: str, config: dict[str, Any], value: Any, expected: Any
) -> None:
    """It does not compute on its own result; the next execution does."""
    crm = {"contact": {"id": "c1"}, "fields": {"f": value, "g": "2024-01-01"}}
    first = await run_helper(helper_type, config, crm=crm, ids=IDS)
    second = await run_helper(helper_type, config, crm=first.crm, ids=IDS, state=first.state)

    assert first.crm.field("c1", "f") == expected
    assert first.output is not None
    assert second.output is not None
    assert (second.output.modified_data, second.output.actions) == (
        first.output.modified_data, first.output.actions,
    )  # fmt: skip


async def test_the_next_execution_goes_on_from_the_result() -> None:
    """Only a repetition is held back."""
    config = {"field": "f", "operation": "add", "operand": 10}
    first = await run_helper("math_it", config, crm={"contact": {"id": "c1"}, "fields": {"f": 1}}, ids=IDS)
    second = await run_helper("math_it", config, crm=first.crm, state=first.state)
    assert second.crm.field("c1", "f") == "21"


async def test_two_spellings_of_a_standard_name_are_one_field() -> None:
    """``FirstName`` is first_name."""
    config = {"source_field": "FirstName", "target_field": "first_name"}
    first = await run_helper("quote_it", config, crm={"contact": {"id": "c1", "first_name": "Ann"}}, ids=IDS)
    second = await run_helper("quote_it", config, crm=first.crm, ids=IDS, state=first.state)
    assert second.crm.contact("c1").first_name == '"Ann"'


@pytest.mark.parametrize(
    ("helper_type", "config"), [("format_it", {"format": "uppercase"}), ("text_it", {"operation": "reverse"})]
)
async def test_another_spelling_of_the_source_as_target_makes_no_other_field(
    helper_type: str, config: dict[str, Any]
) -> None:
    """A result equal to the source is written to another field only."""
    run = await run_helper(
        helper_type,
        {"field": "FirstName", "target_field": "first_name", **config},
        crm={"contact": {"id": "c1", "first_name": "ANNA"}},
    )

    assert run.output is not None
    assert (run.output.success, run.output.actions) == (True, [])


async def test_a_failed_computation_is_not_remembered() -> None:
    """The value may have been mended before the retry."""
    config = {"field": "f", "operation": "add", "operand": 1}
    failed = await run_helper("math_it", config, crm={"contact": {"id": "c1"}, "fields": {"f": "x"}}, ids=IDS)
    retried = await run_helper(
        "math_it", config, crm={"contact": {"id": "c1"}, "fields": {"f": "1"}}, ids=IDS, state=failed.state
    )
    assert failed.error is not None
    assert retried.crm.field("c1", "f") == "2"
