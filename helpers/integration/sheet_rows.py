"""Contacts as rows of a spreadsheet, in the form of the Google Sheets API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from helpers.crm.models import Contact, CustomField
from helpers.rules.text import to_text

Row = dict[str, Any]

_STANDARD: dict[str, tuple[str, Callable[[Contact], str]]] = {
    "Id": ("ID", lambda contact: contact.id),
    "FirstName": ("First Name", lambda contact: contact.first_name),
    "LastName": ("Last Name", lambda contact: contact.last_name),
    "Email": ("Email", lambda contact: contact.email),
    "Phone": ("Phone", lambda contact: contact.phone),
    "Company": ("Company", lambda contact: contact.company),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\s_-]+|[A-Z]")


def columns_of(contacts: Iterable[Contact]) -> list[str]:
    """The standard columns, then every custom-field key of the contacts by alphabet."""
    custom = {key for contact in contacts for key in contact.custom_fields}
    return [*_STANDARD, *sorted(custom)]


def rows_of(contacts: Iterable[Contact], columns: Sequence[str]) -> list[Row]:
    """One row for each contact."""
    custom = columns[len(_STANDARD) :]
    return [
        _row([*(read(contact) for _, read in _STANDARD.values()), *(contact.custom_fields.get(key) for key in custom)])
        for contact in contacts
    ]


def header_row(columns: Sequence[str]) -> Row:
    """The field keys."""
    return _row(columns)


def label_row(columns: Sequence[str], custom_fields: Iterable[CustomField]) -> Row:
    """Readable labels: the CRM's own for custom fields, else the words of the key."""
    labels = {key: label for field in custom_fields if (label := field.label.strip()) for key in (field.key, field.id)}
    standard = [label for label, _ in _STANDARD.values()]
    return _row([*standard, *(labels.get(key) or words_of(key) for key in columns[len(_STANDARD) :])])


def words_of(key: str) -> str:
    """``favourite_colour`` and ``favouriteColour`` are ``Favourite Colour``."""
    return " ".join(word[0].upper() + word[1:] for word in _WORD.findall(key)) or key


def _row(values: Iterable[Any]) -> Row:
    return {"values": [_cell(value) for value in values]}


def _cell(value: Any) -> dict[str, Any]:
    """A typed cell. Never a formula: text goes in as a string value, whatever it begins with."""
    match value:
        case None:
            return {}
        case bool():
            return {"userEnteredValue": {"boolValue": value}}
        case int() | float():
            return {"userEnteredValue": {"numberValue": value}}
        case Decimal():
            return {"userEnteredValue": {"numberValue": float(value)}}
        case _:
            return {"userEnteredValue": {"stringValue": to_text(value, separator=", ")}}
