"""A configured field of the contact as text: integration spec C7."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.rules.fields import alias_of, contact_value
from helpers.rules.text import to_text

_UNKNOWN = object()


async def field_text(ctx: HelperContext[Any], field_key: str) -> str:
    """The trimmed text of a field; "" where it has no value or nobody knows the key.

    The loaded contact is searched by exact key. Only a key that it does not hold (a label, related data) goes to
    the CRM; another spelling of a standard name is unknown. Raises the connector's error.
    """
    value = contact_value(await ctx.load_contact(), field_key, _UNKNOWN)
    if value is _UNKNOWN:
        value = None if alias_of(field_key) else await ctx.read(field_key)
    return to_text(value, separator=", ").strip()
