"""Event data and dotted paths: integration spec C9."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.rules.event_data import MISSING, matching, snake_form, value_at

DATA = {
    "a": {"b": [10, {"c": "deep"}], "firstName": "Ann"}, "a.b": "flat", "orderId": 7, "null": None, "list": [1],
    "0": "zero",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", "flat"),
        ("a.b.1.c", "deep"),
        ("a.b.0", 10),
        ("$.a.b.1.c", "deep"),
        ("$.orderId", 7),
        ("0", "zero"),
        ("order_id", 7),
        ("_order_id", 7),
        ("a.first_name", "Ann"),
        ("a..firstName", "Ann"),
        ("null", None),
        ("null.x", MISSING),
        ("list.1", MISSING),
        ("list.-1", MISSING),
        ("list.x", MISSING),
        ("orderId.x", MISSING),
        ("nope", MISSING),
        ("", MISSING),
        ("orderid", MISSING),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    """Exact key, then parts, then the form of the old web client."""
    assert value_at(DATA, path) == expected


def test_separators_of_several_characters() -> None:
    """The earlier platform never matched those."""
    assert value_at(DATA, "a=>b=>1=>c", separator="=>") == "deep"
    assert value_at(DATA, "a.b", separator="=>") == "flat"


def test_an_exact_key_wins_over_a_mangled_one() -> None:
    """Whatever the order."""
    values = {"orderId": 1, "order_id": 2}

    assert matching(values, "order_id") == 2
    assert matching(values, "orderId") == 1
    assert matching({"_order_created": 3}, "OrderCreated") == 3
    assert snake_form("OrderCreated") == snake_form("_order_created") == "order_created"
