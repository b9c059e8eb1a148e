"""The contact's postal address as one line of text (spec timezone_triggers)."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.rules.text import to_text

_FIRST = ("StreetAddress1", "StreetAddress2", "City", "State", "PostalCode", "Country")
_SECOND = ("Address2Street1", "Address2Street2", "City2", "State2", "PostalCode2", "Country2")
_THIRD = ("Address3Street1", "Address3Street2", "City3", "State3", "PostalCode3", "Country3")
_STANDARD = ("address1", "address2", "city", "state", "zip", "country")


async def first_address(ctx: HelperContext[Any]) -> str:
    """The first address that has a part: in the custom fields, else in what the CRM has for it; "" without."""
    fields = ctx.contact.custom_fields
    for names in (_FIRST, _SECOND, _THIRD, _STANDARD):
        if address := _joined([fields.get(name) for name in names]):
            return address
    # A CRM's own address is no custom field; the standard names are its first one. Read from the loaded contact.
    for names in (_STANDARD, _SECOND, _THIRD):
        if address := _joined([await ctx.read(name) for name in names]):
            return address
    return ""


def _joined(parts: list[Any]) -> str:
    texts = [to_text(part).strip() for part in parts]
    return " ".join(text for text in texts if text)
