"""Config keys as the old web client stored them: spec automation C5.

It rewrote every key of a request body from camelCase to snake_case, also keys that are data: ``redirectUrl`` became
``redirect_url``, ``Monday`` became ``_monday``, ``New York`` became ``_new _york``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from helpers.contract import HelperConfig

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_WEEKDAY_NUMBERS = {name.lower()[:length]: number for number, name in enumerate(WEEKDAYS) for length in (3, None)}


def mangled(key: str) -> str:
    """The key as the web client stored it: each capital becomes ``_`` and its lower case."""
    return re.sub(r"[A-Z]", lambda capital: "_" + capital[0].lower(), key)


def unmangled(key: str) -> str:
    """The stored key with every ``_`` and letter turned back into a capital."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), key)


def weekday_number(key: str) -> int | None:
    """0 for Monday to 6 for Sunday, by full English name or its first three letters in any case; None if neither."""
    return _WEEKDAY_NUMBERS.get(key.replace("_", "").strip().lower())


def country_key(key: str) -> str:
    """The country code that a stored key means, in capitals: ``_u_s`` is ``US``."""
    return "".join(key.replace("_", "").split()).upper()


def region_key(key: str) -> str:
    """The region that a stored key means, folded for comparison: ``_new _york`` and ``New York`` are the same."""
    return key.replace("_", "").strip().casefold()


class FormConfig(HelperConfig):
    """A config whose keys are accepted in camelCase and in snake_case; the documented spelling wins."""

    @model_validator(mode="before")
    @classmethod
    def _accept_either_spelling(cls, stored: Any) -> Any:
        if not isinstance(stored, Mapping):
            return stored
        config = dict(stored)
        for name, field in cls.model_fields.items():
            documented = field.alias or name
            for spelling in (mangled(documented), unmangled(documented)):
                if documented not in config and spelling in stored:
                    config[documented] = stored[spelling]
        return config
