"""Python values to DynamoDB attribute values and back.

boto3's serializer does the work; what it lacks is floats (refused) and plain numbers (Decimal on the way out).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
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
