"""format_it: case and trimming."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(form: str, value: Any, **config: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": {"f": value}}
    return await run_helper("format_it", {"field": "f", "format": form, **config}, crm=fixture)


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [
        ("uppercase", "straße 5", "STRASSE 5"),
        ("lowercase", "ÄB", "äb"),
        ("trim", "\u00a0 a  b \t", "a  b"),
        ("trim", "   ", ""),
        ("trim_uppercase", " a ", "A"),
        ("trim_lowercase", " A ", "a"),
        ("trim_title_case", "  ann  lee ", "Ann  Lee"),
        ("title_case", "mary-jane", "Mary-Jane"),
        ("title_case", "o'brien", "O'Brien"),
        ("title_case", "o’brien", "O’Brien"),
        ("title_case", "john's", "John's"),
        ("title_case", "JOHN'S DON'T WE'LL I'M THEY'RE YOU'VE HE'D", "John's Don't We'll I'm They're You've He'd"),
        ("title_case", "McDONALD", "Mcdonald"),
        ("title_case", "d'artagnan", "D'Artagnan"),
        ("title_case", "tea's-time", "Tea's-Time"),
        ("title_case", "3rd floor", "3rd Floor"),
        ("title_case", "élan vital", "Élan Vital"),
        ("uppercase", True, "TRUE"),
    ],
)
async def test_the_form_is_written_as_text(form: str, before: Any, after: str) -> None:
    """Every rule of case and trimming, on the text form of the value."""
    result = await run(form, before)

    assert result.output.success
    assert result.crm.field("c1", "f") == after
    assert result.output.modified_data == {"f": after}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "f", after)]


@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_field_is_left_alone(value: Any) -> None:
    """No write, no action, success."""
    result = await run("uppercase", value, target_field="g")

    assert (result.output.success, result.output.actions, result.output.modified_data) == (True, [], {})


async def test_a_value_in_the_right_form_is_not_written_again() -> None:
    """Only when target and source are the same field."""
    same = await run("uppercase", "ABC")
    named = await run("uppercase", "ABC", target_field="f")
    other = await run("uppercase", "ABC", target_field="g")

    number = await run("uppercase", 1_500_000.0, target_field="g")

    assert number.crm.field("c1", "g") == "1500000"
    assert same.output.actions == named.output.actions == []
    assert other.crm.field("c1", "g") == "ABC"


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"format": "uppercase"}, "field"),
        ({"field": "", "format": "uppercase"}, "field"),
        ({"field": "f"}, "format"),
        ({"field": "f", "format": "Uppercase"}, "format"),
        ({"field": 5, "format": "uppercase"}, "field"),
    ],
)
async def test_a_bad_config_is_refused(config: dict[str, Any], named: str) -> None:
    """The refusal names the key."""
    result = await run_helper("format_it", config, crm={"contact": {"id": "c1"}})

    assert result.config_error is not None
    assert named in str(result.config_error)


async def test_a_failed_read_or_write_is_an_error() -> None:
    """Go reported success."""
    for method in ("get_field_value", "set_field_value"):
        fixture = {"contact": {"id": "c1"}, "fields": {"f": "a"}, "fail": {method: True}}
        result = await run_helper("format_it", {"field": "f", "format": "uppercase"}, crm=fixture)
        assert result.error is not None
        assert not result.error.retryable
