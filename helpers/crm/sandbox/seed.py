"""Fills a sandbox from JSON or CSV.

JSON: ``{"contacts": [...], "tags": [...], "custom_fields": [...], "opportunities": [...], "raw": {...},
"saved_searches": {...}}``, every key optional. A contact has an id and any of the standard attributes, ``tags``
(ids or ``{id, name}``), ``custom_fields`` and ``fields`` (any key, also pseudo keys).
CSV: one contact a line; the columns are field keys, ``tags`` holds references separated by ``;``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.crm.models import CustomField, Tag
from helpers.crm.sandbox.records import ATTRIBUTES, SandboxRecords, attribute_key
from helpers.rules.fields import is_pseudo, resolve

Seed = Mapping[str, Any]


def read_seed(path: Path) -> Seed:
    """The seed of a ``.json`` or ``.csv`` file. Raises ValueError for another kind of file."""
    match path.suffix.lower():
        case ".json":
            seed = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(seed, dict):
                raise ValueError(f"{path.name}: a seed is a JSON object")  # noqa: TRY004 - the file's content is wrong
            return seed
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as lines:
                return {"contacts": [_contact_of_row(row) for row in csv.DictReader(lines)]}
        case suffix:
            raise ValueError(f"{path.name}: a seed is a .json or .csv file, not {suffix or 'a file without suffix'}")


def seed(crm: SandboxRecords, content: Seed) -> None:
    """Write the content; contacts, tags and fields that exist already are updated."""
    with crm.store.transaction():
        for definition in content.get("custom_fields") or ():
            field = CustomField.model_validate({"id": definition.get("id") or definition["key"], **definition})
            crm.store.define("custom_fields", field.model_dump(), replace=True)
        for definition in content.get("tags") or ():
            crm.add_tag(Tag.model_validate(definition), replace=True)
        for contact in content.get("contacts") or ():
            _seed_contact(crm, contact)
        for deal in content.get("opportunities") or ():
            crm.store.execute(
                "INSERT OR REPLACE INTO opportunities (id, contact_id, stage_id, created_at) VALUES (?, ?, ?, ?)",
                str(deal["id"]), str(deal.get("contact_id", "")), str(deal.get("stage_id", "")), deal.get("created_at"),
            )  # fmt: skip
        for resource, pages in (content.get("raw") or {}).items():
            crm.store.execute("DELETE FROM raw_pages WHERE resource = ?", resource)
            for page in pages:
                crm.store.execute("INSERT INTO raw_pages (resource, records) VALUES (?, ?)", resource, json.dumps(page))
        for search_id, query in (content.get("saved_searches") or {}).items():
            crm.store.execute("INSERT OR REPLACE INTO saved_searches VALUES (?, ?)", search_id, json.dumps(query))


def _seed_contact(crm: SandboxRecords, contact: Mapping[str, Any]) -> None:
    contact_id = str(contact.get("id") or crm.store.next_id("contacts"))
    if not crm.store.contact_exists(contact_id):
        crm.add_contact(contact_id, contact.get("created_at"), contact.get("updated_at"))
    for name in ATTRIBUTES:
        if name in contact:
            crm.store.set_value(contact_id, attribute_key(name), contact[name])
    for key, value in (contact.get("custom_fields") or {}).items():
        crm.write_custom(contact_id, key, value)
    for key, value in (contact.get("fields") or {}).items():
        # Pseudo keys answer literally; an alias is the standard attribute itself, so that every spelling finds it.
        standard = None if is_pseudo(key) else resolve(key).standard
        if is_pseudo(key):
            crm.store.set_value(contact_id, key, value)
        elif standard is None:
            crm.write_custom(contact_id, key, value)
        elif standard != "id":
            crm.store.set_value(contact_id, attribute_key(standard), value)
    _seed_tags(crm, contact_id, contact.get("tags") or ())


def _seed_tags(crm: SandboxRecords, contact_id: str, tags: Iterable[Any]) -> None:
    for tag in tags:
        if isinstance(tag, Mapping):
            definition = Tag.model_validate(tag)
            crm.add_tag(definition)
            tag_id = definition.id
        else:
            tag_id = crm.resolve_tag(str(tag))
            crm.add_tag(Tag(id=tag_id, name=str(tag)))
        crm.store.execute("INSERT OR IGNORE INTO contact_tags (contact_id, tag_id) VALUES (?, ?)", contact_id, tag_id)


def _contact_of_row(row: Mapping[str, str]) -> dict[str, Any]:
    fields = {key: value for key, value in row.items() if key not in ("id", "tags") and value is not None}
    tags = [tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip()]
    return {"id": (row.get("id") or "").strip(), "fields": fields, "tags": tags}
