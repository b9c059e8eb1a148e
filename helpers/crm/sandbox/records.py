"""Contacts, tags and fields of the sandbox on their store, without the interface's checks.

The connector checks and then writes here; seeding and the accessors of the test kit write here at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound
from helpers.crm.models import Contact, ContactUpdate, CustomField, Tag, tag_of
from helpers.crm.sandbox.store import SandboxStore
from helpers.ports import Clock
from helpers.rules.fields import STANDARD_NAMES, is_pseudo, resolve
from helpers.rules.text import to_text

ATTRIBUTES = tuple(name for name in STANDARD_NAMES if name != "id")


def attribute_key(name: str) -> str:
    """Where the store keeps a standard attribute: apart from a custom field that has the same name."""
    return f".{name}"


class SandboxRecords(CrmConnector):
    """``clock`` stamps created_at and updated_at; without one they stay as seeded."""

    platform: ClassVar[str] = "sandbox"

    def __init__(self, store: SandboxStore | None = None, *, clock: Clock | None = None) -> None:
        self.store = store or SandboxStore()
        self._clock = clock

    def load_contact(self, contact_id: str) -> Contact:
        """The contact as it is stored; it has to exist."""
        return self._load([contact_id])[0]

    def _load(self, ids: Sequence[str]) -> list[Contact]:
        named = {tag.id: tag for tag in self._tags()}
        return [self._contact(contact_id, named) for contact_id in ids]

    def _contact(self, contact_id: str, named: Mapping[str, Tag]) -> Contact:
        row = self.store.rows("SELECT created_at, updated_at FROM contacts WHERE id = ?", contact_id)[0]
        values = self.store.values(contact_id)
        return Contact(
            id=contact_id,
            **{name: to_text(values.pop(attribute_key(name), None)) for name in ATTRIBUTES},
            tags=[named.get(tag_id, Tag(id=tag_id)) for tag_id in self.tag_ids(contact_id)],
            custom_fields={key: value for key, value in values.items() if not is_pseudo(key)},
            source_crm=self.slug,
            source_id=contact_id,
            created_at=row[0],
            updated_at=row[1],
        )

    def tag_ids(self, contact_id: str) -> list[str]:
        """The contact's tags in the order they were applied."""
        sql = "SELECT tag_id FROM contact_tags WHERE contact_id = ? ORDER BY seq"
        return [row[0] for row in self.store.rows(sql, contact_id)]

    def add_contact(self, contact_id: str, created_at: str | None = None, updated_at: str | None = None) -> str:
        """Store an empty contact and return its id."""
        stamp = self._now()
        sql = "INSERT INTO contacts (id, created_at, updated_at) VALUES (?, ?, ?)"
        self.store.execute(sql, contact_id, created_at or stamp, updated_at or stamp)
        return contact_id

    def add_tag(self, tag: Tag, *, replace: bool = False) -> Tag:
        """Store a tag definition."""
        self.store.define("tags", tag.model_dump(), replace=replace)
        return tag

    def resolve_tag(self, reference: str) -> str:
        """The id behind a tag reference: exact id, else name (trimmed, any case), else the reference itself."""
        known = tag_of(reference, self._tags())
        return known.id if known else reference

    def read_field(self, contact_id: str, field_key: str) -> Any:
        """A value by key, alias or label, None where there is none."""
        key = self._stored_key(field_key)
        return contact_id if key == attribute_key("id") else self.store.value(contact_id, key)

    def _stored_key(self, field_key: str) -> str:
        """Where the store keeps the value of a key, alias or label; pseudo keys are kept literally."""
        if is_pseudo(field_key):
            return field_key
        ref = resolve(field_key, self._custom_fields())
        return attribute_key(ref.standard) if ref.standard else ref.key

    def write_field(self, contact_id: str, field_key: str, value: Any) -> None:
        """Store a value under the field that the key leads to; an unknown key becomes a custom field."""
        if is_pseudo(field_key):
            raise self._read_only(field_key)
        ref = resolve(field_key, self._custom_fields())
        if ref.standard == "id":
            raise self._read_only(field_key)
        if ref.standard is not None:
            self.store.set_value(contact_id, attribute_key(ref.standard), value)
        else:
            self.write_custom(contact_id, ref.key, value)

    def write_custom(self, contact_id: str, key: str, value: Any) -> None:
        """Store a custom field's value by key or id; a new key is defined."""
        field_id = next((field.id for field in self._custom_fields() if key in (field.key, field.id)), key)
        self.store.define("custom_fields", CustomField(id=field_id, key=field_id).model_dump())
        self.store.set_value(contact_id, field_id, value)

    # ----------------------------------------------------------------------------------------------------
    def _require_contact(self, contact_id: str) -> None:
        if not self.store.contact_exists(contact_id):
            raise NotFound(self.slug, "contact", contact_id)

    def _read_only(self, field_key: str) -> CrmError:
        return CrmError(CrmErrorCode.VALIDATION, f"{field_key} is read only", platform=self.slug, status_code=400)

    def _candidates(self, tag: str | None) -> list[str]:
        if tag is None:
            rows = self.store.rows("SELECT id FROM contacts ORDER BY seq")
        else:
            sql = "SELECT contact_id FROM contact_tags WHERE tag_id = ? ORDER BY seq"
            rows = self.store.rows(sql, self.resolve_tag(tag))
        return [row[0] for row in rows]

    def _texts(self, ids: Sequence[str], field_key: str) -> dict[str, str]:
        """The text of one field, by contact."""
        key = self._stored_key(field_key)
        by_id = key == attribute_key("id")
        return {i: i if by_id else to_text(self.store.value(i, key)).strip() for i in ids}

    def _tags(self) -> list[Tag]:
        return [Tag.model_validate(definition) for definition in self.store.definitions("tags")]

    def _custom_fields(self) -> list[CustomField]:
        return [CustomField.model_validate(definition) for definition in self.store.definitions("custom_fields")]

    def _apply(self, contact_id: str, reference: str) -> None:
        tag_id = self.resolve_tag(reference)
        self.add_tag(Tag(id=tag_id, name=reference))
        self.store.execute("INSERT OR IGNORE INTO contact_tags (contact_id, tag_id) VALUES (?, ?)", contact_id, tag_id)

    def _update(self, contact_id: str, update: ContactUpdate) -> None:
        for name in ATTRIBUTES:
            value = getattr(update, name)
            if value is not None:
                self.store.set_value(contact_id, attribute_key(name), value)
        for key, value in update.custom_fields.items():
            self.write_field(contact_id, key, value)
        self._touch(contact_id)

    def _touch(self, contact_id: str) -> None:
        stamp = self._now()
        if stamp is not None:
            self.store.execute("UPDATE contacts SET updated_at = ? WHERE id = ?", stamp, contact_id)

    def _now(self) -> str | None:
        return None if self._clock is None else _stamp(self._clock.now())


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
