"""The body of a Keap contact update. Arrays are replaced whole, so what they hold has to be sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.crm.keap.vocabulary import ATTRIBUTES, SLOTS
from helpers.crm.paths import Record


def needs_record(attributes: Record, custom: Record) -> bool:
    """Whether the update touches an array, so that the current contact has to be read first."""
    return bool(custom) or any(name in SLOTS for name in attributes)


def contact_body(attributes: Record, custom: Record, current: Record) -> dict[str, Any]:
    """The properties to send, named as in update_mask; ``company`` is left to the caller, who links a company."""
    body: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in SLOTS:
            array, slot, key = SLOTS[name]
            entries = body[array] if array in body else list(current.get(array) or [])
            body[array] = _with_slot(entries, slot, key, value)
        elif name != "company":
            body[ATTRIBUTES[name]] = value
    if custom:
        kept = [entry for entry in current.get("custom_fields") or [] if str(entry.get("id")) not in custom]
        body["custom_fields"] = [*kept, *({"id": key, "content": value} for key, value in custom.items())]
    return body


def _with_slot(entries: list[Mapping[str, Any]], slot: str, key: str, value: Any) -> list[dict[str, Any]]:
    others = [dict(entry) for entry in entries if entry.get("field") != slot]
    entry = next((dict(entry) for entry in entries if entry.get("field") == slot), {"field": slot})
    if key in ("email", "number") and value in (None, ""):
        # An address without an address is refused; leaving the entry out clears the slot.
        return others
    entry[key] = value
    if key == "region":
        # The code belongs to the old region.
        entry.pop("region_code", None)
    return [*others, entry]
