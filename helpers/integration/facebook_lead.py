"""A Facebook lead: its id in a webhook, its answers, and the contact that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.errors import PermanentFailure
from helpers.rules.event_data import matching
from helpers.rules.fields import STANDARD_NAMES, alias_of
from helpers.rules.text import to_text

STANDARD_ANSWERS = {
    "email": "email",
    "phone_number": "phone",
    "company_name": "company",
    "job_title": "job_title",
}
FULL_NAME_KEYS = frozenset({"Name", "full_name", "FullName"})
ID_KEYS = frozenset({"Id", "id", "contact_id"})


def lead_id_of(input_data: Mapping[str, Any], query_params: Mapping[str, str]) -> str:
    """The lead id that came with the execution, "" when none did: a plain key, or Meta's webhook body."""
    candidates = [input_data.get("lead_id"), input_data.get("leadgen_id")]
    match input_data.get("entry"):
        case [{"changes": [{"value": {"leadgen_id": leadgen_id}}, *_]}, *_]:
            candidates.append(leadgen_id)
    candidates += [query_params.get("lead_id"), query_params.get("leadgen_id")]
    return next((text for text in map(_id_text, candidates) if text), "")


def _id_text(value: Any) -> str:
    return to_text(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def lead_fields(lead: Mapping[str, Any]) -> dict[str, str]:
    """Field name -> all its answers as text. Raises PermanentFailure for a lead without answers."""
    field_data = lead.get("field_data")
    if not isinstance(field_data, list) or not field_data:
        raise PermanentFailure("the lead has no field_data")
    return {
        entry["name"]: to_text(entry.get("values"), separator=", ")
        for entry in field_data
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
    }


@dataclass(kw_only=True)
class LeadContact:
    """What the lead says about a contact; only what is not empty. Standard attributes and custom fields."""

    attributes: dict[str, str] = field(default_factory=dict)
    custom_fields: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Mapping[str, str], field_mapping: Mapping[str, str]) -> LeadContact:
        """The standard answers, then explicit names over the split full name, then the mapping over all."""
        contact = cls()
        for name, attribute in STANDARD_ANSWERS.items():
            contact._set(attribute, answers.get(name, ""))
        contact._set("full_name", answers.get("full_name", ""))
        for attribute in ("first_name", "last_name"):
            contact._set(attribute, answers.get(attribute, ""))
        for name, field_key in field_mapping.items():
            contact._set(field_key.strip(), _answer(answers, name))
        return contact

    @property
    def email(self) -> str:
        return self.attributes.get("email", "")

    @property
    def first_name(self) -> str:
        return self.attributes.get("first_name", "")

    @property
    def last_name(self) -> str:
        return self.attributes.get("last_name", "")

    @property
    def values(self) -> dict[str, Any]:
        """The arguments of ContactUpdate and NewContact."""
        return {**self.attributes, "custom_fields": self.custom_fields}

    def _set(self, field_key: str, answer: str) -> None:
        value = answer.strip()
        if not value or not field_key or field_key in ID_KEYS:
            return
        standard = field_key if field_key in STANDARD_NAMES else alias_of(field_key)
        if standard == "id":
            return
        if field_key in FULL_NAME_KEYS:
            first, _, last = value.partition(" ")
            self.attributes |= {"first_name": first} | ({"last_name": last.strip()} if last.strip() else {})
        elif standard is not None:
            self.attributes[standard] = value
        else:
            self.custom_fields[field_key] = answer


def _answer(answers: Mapping[str, str], name: str) -> str:
    """The answer to a mapped field name, also where the old web client had rewritten the name (integration C9)."""
    answer = matching(answers, name)
    return answer if isinstance(answer, str) else ""
