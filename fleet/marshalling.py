"""Python values to DynamoDB attribute values and back.

boto3's serializer does the work; what it lacks is floats (refused) and plain numbers (Decimal on the way out).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer


class _Serializer(TypeSerializer):
    def serialize(self, value: Any) -> Any:
        return super().serialize(_decimal(value))


class _Deserializer(TypeDeserializer):
    def _deserialize_n(self, value: str) -> int | float:
        return int(value) if value.lstrip("-").isdecimal() else float(value)


def _decimal(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be stored: DynamoDB has no NaN or infinity")
        return Decimal(repr(value))
    if isinstance(value, tuple):
        return list(value)
    return value


_serializer = _Serializer()
_deserializer = _Deserializer()


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html and Constraints
MAX_DEPTH = 32
MAX_DIGITS = 38
MAX_EXPONENT, MIN_EXPONENT = 125, -130
# Wide enough for every integer that Python's JSON reader takes (4,300 digits).
_EXACT = Context(prec=5000)


class Unstorable(ValueError):
    """A JSON value that DynamoDB does not take. ``field`` is its path, ``reason`` what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def check_storable(value: Any, field: str, *, depth: int = 1) -> None:
    """Raise Unstorable for the first part of a JSON value that an item cannot hold. ``field`` is the value's name."""
    if depth > MAX_DEPTH:
        raise Unstorable(field, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, part in value.items():
            if not key:
                raise Unstorable(field, "has an empty key")
            _check_text(key, field)
            check_storable(part, f"{field}.{key}", depth=depth + 1)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            check_storable(part, f"{field}.{index}", depth=depth + 1)
    elif isinstance(value, str):
        _check_text(value, field)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(value, field)


def _check_text(text: str, field: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise Unstorable(field.encode(errors="replace").decode(), "holds half a surrogate pair, no character") from exc


def _check_number(number: float, field: str) -> None:
    if not math.isfinite(number):
        raise Unstorable(field, "the number is too large")
    exact = Decimal(repr(number))
    digits = len(exact.normalize(_EXACT).as_tuple().digits)
    in_range = not exact or MIN_EXPONENT <= exact.adjusted() <= MAX_EXPONENT
    if digits > MAX_DIGITS or not in_range:
        raise Unstorable(field, f"numbers have at most {MAX_DIGITS} digits, from 1e{MIN_EXPONENT} to below 1e126")


def attribute(value: Any) -> dict[str, Any]:
    """One value as a DynamoDB attribute value. Raises TypeError or ValueError for what cannot be stored."""
    result: dict[str, Any] = _serializer.serialize(value)
    return result


def item(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A whole item as attribute values."""
    return {key: _serializer.serialize(value) for key, value in values.items()}


def plain(image: Mapping[str, Any]) -> dict[str, Any]:
    """An item or stream image as plain Python: integers as int, other numbers as float."""
    return {key: _deserializer.deserialize(value) for key, value in image.items()}
