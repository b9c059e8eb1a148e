"""Numbers as contacts hold them: parsing and exact rounding (spec data D5, D6). `text.to_text` gives their text.

Values are read as exact decimals and computed with as `Decimal` or `Fraction`, never as binary floats: 2.675 to
two places is 2.68.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

Exact: TypeAlias = Decimal | Fraction | int

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)[$€£¥]?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)
# Far more than any number in a CRM; it bounds the work that one field can cause.
_LONGEST_NUMBER = 400
# Below this a value is 0 to every rule here, and 1e-999999999 must not become a fraction of a billion digits.
_SMALLEST_EXPONENT = -324


def parse_number(value: Any) -> Decimal | None:
    """The number a value stands for, or None where it stands for none (spec data D5).

    Numbers (not booleans, NaN or infinity) are taken by their decimal text. Text may have a sign, one leading
    currency symbol, thousands commas in their right places, decimals and an exponent: ``"-$1,234.50"``. Empty
    values are no numbers. A value beyond the range of a float is none either.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _bounded(Decimal(value))
    if isinstance(value, float | Decimal):
        return _bounded(Decimal(str(value)))
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return None
    return _bounded(Decimal(match["sign"] + match["whole"].replace(",", "") + match["rest"]))


def _bounded(number: Decimal) -> Decimal | None:
    if not number.is_finite() or math.isinf(float(number)):
        return None
    return number if number and number.adjusted() >= _SMALLEST_EXPONENT else Decimal(0)


def round_half_away(value: Exact, places: int = 0) -> Decimal:
    """Round to ``places`` decimals, half away from zero, never -0 (spec data D6). The result has that many places."""
    exact = Fraction(value)
    digits = math.floor(abs(exact) * 10**places + Fraction(1, 2))
    return Decimal(f"{'-' if exact < 0 and digits else ''}{digits}e-{places}")


def json_number(value: Exact) -> int | float:
    """The value as a JSON number: an integer where it is integral, else the nearest float.

    Raises OverflowError beyond the range of a float.
    """
    exact = Fraction(value)
    nearest = float(exact)
    return exact.numerator if exact.denominator == 1 else nearest
