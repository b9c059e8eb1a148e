"""The text form of a value: spec contact C4, data D4, automation C3, integration C7 (which joins lists with ", ")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from helpers.rules.empty import is_empty


def to_text(value: Any, *, separator: str = ",") -> str:
    """The value as the CRM user would write it; ``separator`` goes between the items of a list.

    None is "", booleans are ``true``/``false``, integral numbers have no decimal point, other numbers are their
    shortest decimal and never use an exponent, dates are ISO 8601, objects are compact JSON.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() | Decimal():
            return _decimal_text(value)
        case date():  # datetime is a date
            return value.isoformat()
        case list() | tuple():
            return separator.join(to_text(item, separator=separator) for item in value)
        case Mapping():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=to_text)
        case _:
            return str(value)


def filled_text(value: Any) -> str:
    """The text of a field, "" where it is empty by contact C3: an empty object is no text ``{}`` there."""
    return "" if is_empty(value) else to_text(value)


def _decimal_text(value: float | Decimal) -> str:
    text = format(Decimal(str(value)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
