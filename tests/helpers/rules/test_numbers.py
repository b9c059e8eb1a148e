"""Spec data D5 and D6: what counts as a number, and how it is rounded."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.rules.numbers import json_number, parse_number, round_half_away


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (12, "12"),
        (-3.5, "-3.5"),
        (1.005, "1.005"),
        (1e21, "1000000000000000000000"),
        (Decimal("7.10"), "7.10"),
        ("12", "12"),
        ("  12.5\t", "12.5"),
        ("+5", "5"),
        ("-5", "-5"),
        ("$1,234.50", "1234.50"),
        ("-$5", "-5"),
        ("€9", "9"),
        ("£9.99", "9.99"),
        ("¥900", "900"),
        ("1,234,567", "1234567"),
        ("12,345.6", "12345.6"),
        ("1e3", "1000"),
        ("1.5E-2", "0.015"),
        ("9007199254740993", "9007199254740993"),
        ("0.0", "0"),
        ("-0", "0"),
    ],
)
def test_a_number_is_read_exactly(value: Any, expected: str) -> None:
    """Numbers and numeric text give their exact decimal value."""
    assert parse_number(value) == Decimal(expected)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", " ", "abc", "12abc", "abc12", "1,2", "1,23", "1,2345", "1234,567", ",123", "12,34,567",
        "1.2.3", "1.", ".", "--5", "+-5", "5-", "$", "$$5", "5$", "$-5", "$ 5", "₽5", "1 234", "1_000", "0x10", "1e",
        "e5", "1e1.5", "nan", "NaN", "inf", "-Infinity", "١٢", "12%", "(5)", "1e400", "9" * 500,
        float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), 10**400, [5], {"a": 1},
    ],
)  # fmt: skip
def test_anything_else_is_no_number(value: Any) -> None:
    """Garbage, wrong grouping, booleans, NaN and infinity are no numbers; nothing is read as a numeric prefix."""
    assert parse_number(value) is None


def test_an_absurdly_small_number_is_zero() -> None:
    """An exponent that no contact holds must not cost a billion digits."""
    assert parse_number("1e-999999999") == 0


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("3.5", 0, "4"),
        ("0.5", 0, "1"),
        ("-0.5", 0, "-1"),
        ("2.4999999999999999999999999999999999999999", 0, "2"),
        ("1.005", 2, "1.01"),
        ("2.675", 2, "2.68"),
        ("-1.005", 2, "-1.01"),
        ("-0.4", 0, "0"),
        ("-0.004", 2, "0.00"),
        ("0", 3, "0.000"),
        ("5", 2, "5.00"),
        ("123456789012345678901234567890.125", 2, "123456789012345678901234567890.13"),
    ],
)
def test_rounding_is_half_away_from_zero(value: str, places: int, expected: str) -> None:
    """Ties move away from zero, on the decimal value, and there is no -0."""
    assert str(round_half_away(Decimal(value), places)) == expected


def test_a_float_rounds_by_its_decimal_text() -> None:
    """1.005 is below the tie in binary, and a tie as a user reads it."""
    number = parse_number(1.005)
    assert number is not None
    assert str(round_half_away(number, 2)) == "1.01"


def test_a_fraction_rounds_exactly() -> None:
    """A quotient is rounded once, from its exact value."""
    assert round_half_away(Fraction(200, 3), 2) == Decimal("66.67")
    assert round_half_away(Fraction(-1, 8), 2) == Decimal("-0.13")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000000, max_value=1000000), st.integers(0, 10))
def test_a_rounded_value_is_at_most_half_a_unit_away(value: Decimal, places: int) -> None:
    """Whatever the value, rounding moves it by half a unit of the last place at most."""
    distance = abs(Fraction(round_half_away(value, places)) - Fraction(value))
    assert distance <= Fraction(1, 2 * 10**places)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Decimal("4.0"), 4), (Decimal("2.5"), 2.5), (Fraction(1, 2), 0.5), (2**60 + 1, 2**60 + 1), (Decimal("-0"), 0)],
)
def test_a_json_number_is_an_integer_where_it_can_be(value: Any, expected: Any) -> None:
    """Integral values stay exact; the others become floats."""
    number = json_number(value)
    assert number == expected
    assert type(number) is type(expected)


def test_a_json_number_beyond_a_float_overflows() -> None:
    """An integer that no CRM could read is an error, not a 400-digit number."""
    with pytest.raises(OverflowError):
        json_number(10**400)
