"""Values survive DynamoDB with their types."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.marshalling import Unstorable, attribute, check_storable, item, plain

NUMBERS = st.one_of(
    st.integers(-(10**37), 10**37),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100).filter(
        lambda x: x == 0 or abs(x) > 1e-100
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


# A busy machine is no reason to fail.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=5))
def test_any_json_object_comes_back_as_it_was(values: dict[str, Any]) -> None:
    """Numbers compare equal; booleans stay booleans."""
    assert plain(item(values)) == values


@pytest.mark.parametrize(("value", "kind"), [(12.5, float), (0, int), (False, bool), (1, int), (None, type(None))])
def test_types_are_kept(value: object, kind: type) -> None:
    """0 does not become False, 12.5 does not become a Decimal."""
    assert type(plain(item({"v": value}))["v"]) is kind


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_nan_and_infinity_are_refused_with_a_reason(value: object) -> None:
    """DynamoDB has neither."""
    with pytest.raises(ValueError, match="NaN or infinity"):
        attribute(value)


def test_tuples_are_lists() -> None:
    """As in JSON."""
    assert plain(item({"v": (1, (2,))})) == {"v": [1, [2]]}


@pytest.mark.parametrize(
    "value", [0, -0.0, 1e125, -9.9e125, 1e-130, 10**37 * 3, 2**120, "\x00", "\U0001f600", None, True]
)
def test_what_is_found_storable_is_stored_and_comes_back(value: Any) -> None:
    """The limits of DynamoDB's numbers and texts, from inside."""
    check_storable(value, "input")

    assert plain(item({"value": value})) == {"value": value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {"b": float("inf")}]}, "input.a.1.b: the number is too large"),
        ({"a": 10**38 + 1}, "input.a: numbers have at most 38 digits"),
        ({"a": 1e126}, "input.a: numbers have at most 38 digits, from 1e-130 to below 1e126"),
        ({"a": "\ud800"}, "input.a: holds half a surrogate pair"),
        ({"a": {"": 1}}, "input.a: has an empty key"),
    ],
)
def test_what_cannot_be_stored_is_named(value: Any, message: str) -> None:
    """By its path, with the reason."""
    with pytest.raises(Unstorable, match=re.escape(message)):
        check_storable(value, "input")
