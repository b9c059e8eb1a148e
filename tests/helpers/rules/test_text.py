from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from helpers.rules.empty import is_blank, is_empty
from helpers.rules.text import filled_text, to_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("as is ", "as is "),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1234567, "1234567"),
        (95.0, "95"),
        (1e6, "1000000"),
        (-0.0, "0"),
        (1e22, "10000000000000000000000"),
        (12.5, "12.5"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1234567.25, "1234567.25"),
        (Decimal("19.90"), "19.9"),
        (Decimal("1E+6"), "1000000"),
        ([], ""),
        (["a", 1, 2.0, None, True], "a,1,2,,true"),
        ([["a", "b"], "c"], "a,b,c"),
        ({}, "{}"),
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
        ({"name": "Zoë"}, '{"name":"Zoë"}'),
        ({"at": date(2026, 1, 15)}, '{"at":"2026-01-15"}'),
        (date(2026, 1, 15), "2026-01-15"),
        (datetime(2026, 1, 15, 10, tzinfo=UTC), "2026-01-15T10:00:00+00:00"),
    ],
)
def test_values_read_as_the_crm_user_would_write_them(value: Any, text: str) -> None:
    """No exponent, no <nil>, no Go-style list ever reaches a field."""
    assert text == to_text(value)


@pytest.mark.parametrize(
    ("value", "text"), [({}, ""), ([], ""), (None, ""), ({"a": 1}, '{"a":1}'), (0, "0"), (" ", " ")]
)
def test_an_empty_object_of_a_contact_is_no_text(value: Any, text: str) -> None:
    """It is one of the empty values of contact C3."""
    assert filled_text(value) == text


def test_the_list_separator_is_a_parameter() -> None:
    """Integration helpers join lists with a comma and a blank."""
    assert to_text(["a", ["b", "c"]], separator=", ") == "a, b, c"


@pytest.mark.parametrize("value", [None, "", [], {}, ()])
def test_nothing_is_empty(value: Any) -> None:
    """None, empty text and empty collections are the only empty values."""
    assert is_empty(value)
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, 0.0, False, "0", "false", [""], {"a": None}])
def test_zero_and_false_are_values(value: Any) -> None:
    """A falsy value is still a value."""
    assert not is_empty(value)
    assert not is_blank(value)


def test_blanks_are_a_value_unless_the_helper_trims() -> None:
    """Text of white space only is not empty, but blank."""
    assert not is_empty(" \t")
    assert is_blank(" \t")
