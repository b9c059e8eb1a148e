"""Reading vendor records: values at dotted paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]


def at(record: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none; a number indexes into a list."""
    for part in path.split("."):
        if isinstance(record, list) and part.isdecimal():
            record = record[int(part)] if int(part) < len(record) else None
        elif isinstance(record, Mapping):
            record = record.get(part)
        else:
            return None
    return record
