"""When a value counts as missing: spec contact C3 and data D3."""

from __future__ import annotations

from typing import Any


def is_empty(value: Any) -> bool:
    """None, "", [] and {} are empty; 0, false and text of blanks are values (contact C3)."""
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def is_blank(value: Any) -> bool:
    """Empty, or text of white space only: for helpers that trim."""
    return is_empty(value) or (isinstance(value, str) and not value.strip())
