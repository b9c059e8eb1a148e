"""How a configured field key finds its field: spec contact C2, data D2, automation C10, integration C7.

`resolve` is what every connector does in get_field_value and set_field_value; `contact_value` is the exact
look-up on a contact that is loaded already (merge fields).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helpers.crm.models import Contact, CustomField

STANDARD_NAMES = ("first_name", "last_name", "email", "phone", "company", "job_title", "owner_id", "id")
PSEUDO_PREFIXES = ("_related.", "_email_stats.", "_goal.")

_ALIASES: Mapping[str, str] = {
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "familyname": "last_name",
    "surname": "last_name",
    "email": "email",
    "emailaddress": "email",
    "email1": "email",
    "phone": "phone",
    "phone1": "phone",
    "phonenumber": "phone",
    "company": "company",
    "companyname": "company",
    "jobtitle": "job_title",
    "ownerid": "owner_id",
    "owner": "owner_id",
    "assignedto": "owner_id",
    "hubspotownerid": "owner_id",
    "contactid": "id",
}
_SECONDARY_EMAILS: Mapping[str, int] = {"emailaddress2": 2, "emailaddress3": 3}

_MERGE_NAMES: Mapping[str, Callable[[Contact], Any]] = {
    **dict.fromkeys(("Id", "id", "contact_id"), lambda contact: contact.id),
    **dict.fromkeys(("FirstName", "first_name"), lambda contact: contact.first_name),
    **dict.fromkeys(("LastName", "last_name"), lambda contact: contact.last_name),
    **dict.fromkeys(("Email", "email"), lambda contact: contact.email),
    **dict.fromkeys(("Phone", "Phone1", "phone"), lambda contact: contact.phone),
    **dict.fromkeys(("Company", "company"), lambda contact: contact.company),
    **dict.fromkeys(("JobTitle", "job_title"), lambda contact: contact.job_title),
    **dict.fromkeys(("full_name", "FullName"), lambda contact: contact.full_name),
}


@dataclass(frozen=True, slots=True)
class FieldRef:
    """Where a key leads: ``standard`` is a name of STANDARD_NAMES, ``custom`` the definition; neither = raw key."""

    key: str
    standard: str | None = None
    custom: CustomField | None = None


def fold(key: str) -> str:
    """The form in which aliases are compared: lower case, without ``_``, ``-`` and blanks."""
    return "".join(char for char in key.lower() if char not in "_-" and not char.isspace())


def alias_of(key: str) -> str | None:
    """The standard name that the key is an alias of, or None: FirstName, given_name and _first_name -> first_name."""
    return _ALIASES.get(fold(key))


def secondary_email(key: str) -> int | None:
    """2 or 3 for ``EmailAddress2`` and ``EmailAddress3`` (spec data D2), else None."""
    return _SECONDARY_EMAILS.get(fold(key))


def is_pseudo(key: str) -> bool:
    """Whether the key asks for related data (spec data D13) instead of a field of the contact."""
    return key.startswith(PSEUDO_PREFIXES)


def resolve(key: str, custom_fields: Iterable[CustomField] = ()) -> FieldRef:
    """The field behind a configured key, in the order of contact C2.

    Standard name, exact custom-field key or id, alias, label, then key (both trimmed, any case: crm.md 5.2); otherwise
    the raw key.
    """
    if key in STANDARD_NAMES:
        return FieldRef(key, standard=key)
    fields = list(custom_fields)
    for field in fields:
        if key in (field.key, field.id):
            return FieldRef(field.id, custom=field)
    standard = alias_of(key)
    if standard is not None:
        return FieldRef(standard, standard=standard)
    wanted = key.strip().casefold()
    for spelling in ("label", "key"):
        for field in fields:
            if wanted and getattr(field, spelling).strip().casefold() == wanted:
                return FieldRef(field.id, custom=field)
    return FieldRef(key)


def contact_value(contact: Contact, key: str, default: Any = None) -> Any:
    """A value of a loaded contact by exact, case-sensitive key (integration C7); ``default`` where it is unknown.

    Custom fields win over the standard names; a known name without a value is "" or None, not ``default``.
    """
    if key in contact.custom_fields:
        return contact.custom_fields[key]
    read = _MERGE_NAMES.get(key)
    return default if read is None else read(contact)


def contact_values(contact: Contact) -> dict[str, Any]:
    """Every key that :func:`contact_value` knows, with its value: what merge text may name."""
    return {**{name: read(contact) for name, read in _MERGE_NAMES.items()}, **contact.custom_fields}
