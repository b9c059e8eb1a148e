"""Seeding the sandbox: contacts from CSV, everything from a JSON document."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.crm.models import CustomField, Tag
from helpers.crm.sandbox.connector import SandboxConnector

# Attributes of a contact that are no fields.
_NOT_FIELDS = frozenset(
    {"id", "tags", "custom_fields", "fields", "source_crm", "source_id", "created_at", "updated_at"}
)


def seed_contact(crm: SandboxConnector, contact: Mapping[str, Any]) -> str:
    """Add one contact: ``{"id", standard attributes, "tags": [id | {id, name}], "custom_fields": {...}}``."""
    contact_id = str(contact["id"])
    created = contact.get("created_at")
    crm.insert(contact_id, None if created is None else str(created))
    for key, value in contact.items():
        if key not in _NOT_FIELDS:
            crm.store.set_value(contact_id, key, value)
    for key, value in (contact.get("custom_fields") or {}).items():
        crm.store.define("custom_fields", CustomField(id=key, key=key, label=key).model_dump())
        crm.store.set_value(contact_id, key, value)
    for tag in contact.get("tags") or []:
        definition = Tag.model_validate(tag) if isinstance(tag, Mapping) else Tag(id=str(tag), name=str(tag))
        crm.store.define("tags", definition.model_dump())
        crm.store.execute(
            "INSERT INTO contact_tags (contact_id, tag_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            contact_id,
            definition.id,
        )
    return contact_id


def seed(crm: SandboxConnector, document: Mapping[str, Any]) -> None:
    """Seed from ``{"contacts", "tags", "custom_fields", "opportunities", "raw", "saved_searches"}``, all optional."""
    with crm.store.transaction():
        for tag in document.get("tags") or []:
            crm.store.define("tags", Tag.model_validate(tag).model_dump(), replace=True)
        for field in document.get("custom_fields") or []:
            crm.store.define("custom_fields", CustomField.model_validate(field).model_dump(), replace=True)
        for contact in document.get("contacts") or []:
            seed_contact(crm, contact)
        for deal in document.get("opportunities") or []:
            crm.store.execute(
                "INSERT INTO opportunities (id, contact_id, stage_id, created_at) VALUES (?, ?, ?, ?)",
                str(deal["id"]),
                str(deal["contact_id"]),
                str(deal["stage_id"]),
                deal.get("created_at"),
            )
        for resource, pages in (document.get("raw") or {}).items():
            for page in pages:
                crm.store.execute("INSERT INTO raw_pages (resource, records) VALUES (?, ?)", resource, json.dumps(page))
        for search_id, contact_ids in (document.get("saved_searches") or {}).items():
            crm.store.execute("INSERT INTO saved_searches VALUES (?, ?)", search_id, json.dumps(contact_ids))


def seed_file(crm: SandboxConnector, path: Path) -> int:
    """Seed from a ``.json`` document or a ``.csv`` of contacts; returns the number of contacts."""
    if path.suffix == ".json":
        document = json.loads(path.read_text())
        seed(crm, document)
        return len(document.get("contacts") or [])
    with path.open(newline="") as file:
        contacts = list(csv_contacts(csv.DictReader(file)))
    seed(crm, {"contacts": contacts})
    return len(contacts)


def csv_contacts(rows: Iterable[Mapping[str, str]]) -> Iterable[dict[str, Any]]:
    """Contacts of CSV rows: ``tags`` is separated by ``;``, unknown columns are custom fields, "" is no value."""
    standard = {"id", "first_name", "last_name", "email", "phone", "company", "job_title", "owner_id", "created_at"}
    for row in rows:
        contact: dict[str, Any] = {key: value for key, value in row.items() if key in standard and value}
        contact["tags"] = [tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip()]
        contact["custom_fields"] = {
            key: value for key, value in row.items() if key not in standard | {"tags"} and key and value
        }
        yield contact
