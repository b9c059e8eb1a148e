"""The sixth platform: the whole connector interface on SQLite, without a vendor.

Connections of slug ``sandbox`` use it in the embedded stack; `helpers.testing.SandboxCRM` wraps it for tests.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from helpers.crm.connector import CAPABILITIES, CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound
from helpers.crm.models import (
    ConnectorMetadata,
    Contact,
    ContactPage,
    ContactQuery,
    ContactUpdate,
    CustomField,
    NewContact,
    Opportunity,
    Tag,
)
from helpers.crm.related import parse_move
from helpers.crm.sandbox.store import SandboxStore
from helpers.ports import Clock
from helpers.rules.fields import STANDARD_NAMES, is_pseudo, resolve
from helpers.rules.text import to_text

ATTRIBUTES = tuple(name for name in STANDARD_NAMES if name != "id")


def attribute_key(name: str) -> str:
    """Where the store keeps a standard attribute: apart from a custom field that has the same name."""
    return f".{name}"


class SandboxConnector(CrmConnector):
    """One sandbox account. Blocking, but each call is a handful of indexed statements (see SandboxStore).

    Unknown contacts raise NotFound in every method that takes one. A field key that does not exist yet is
    created by its first write, an unknown tag reference by its first use. ``clock`` stamps created_at and
    updated_at; without one they stay as seeded.
    """

    platform: ClassVar[str] = "sandbox"
    capabilities: ClassVar[tuple[str, ...]] = CAPABILITIES

    def __init__(self, store: SandboxStore | None = None, *, clock: Clock | None = None) -> None:
        self.store = store or SandboxStore()
        self._clock = clock

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """Contacts in the order they were created; with ``tag_id`` in the order the tag was applied.

        ``filters`` compares the text of each named field without case; ``order_by`` is ``field`` or ``field desc``.
        """
        query = query or ContactQuery()
        ids = self._candidates(query.tag_id)
        wanted = query.filters if query.email is None else {**query.filters, "email": query.email}
        for key, expected in wanted.items():
            texts = self._texts(ids, key)
            ids = [i for i in ids if texts[i].casefold() == expected.strip().casefold()]
        if query.order_by:
            name, _, direction = query.order_by.partition(" ")
            texts = self._texts(ids, name)
            ids.sort(key=texts.__getitem__, reverse=direction.strip().lower() == "desc")
        start = int(query.cursor) if query.cursor else query.offset or 0
        end = start + query.limit
        more = end < len(ids)
        return ContactPage(
            contacts=self._load(ids[start:end]),
            total=len(ids),
            next_cursor=str(end) if more else None,
            has_more=more,
        )

    async def get_contact(self, contact_id: str) -> Contact:
        self._require_contact(contact_id)
        return self.load_contact(contact_id)

    async def create_contact(self, contact: NewContact) -> Contact:
        """Creates, or updates the contact with that e-mail."""
        with self.store.transaction():
            email = (contact.email or "").strip()
            page = await SandboxConnector.get_contacts(self, ContactQuery(email=email)) if email else None
            if page and page.contacts:
                contact_id = page.contacts[0].id
            else:
                contact_id = self.add_contact(self.store.next_id("contacts"))
            self._update(contact_id, contact)
            for tag in contact.tags:
                self._apply(contact_id, tag)
        return self.load_contact(contact_id)

    async def update_contact(self, contact_id: str, update: ContactUpdate) -> Contact:
        self._require_contact(contact_id)
        with self.store.transaction():
            self._update(contact_id, update)
        return self.load_contact(contact_id)

    async def delete_contact(self, contact_id: str) -> None:
        self._require_contact(contact_id)
        self.store.delete_contact(contact_id)

    # tags -----------------------------------------------------------------------------------------------
    async def get_tags(self) -> list[Tag]:
        return self._tags()

    async def create_tag(self, name: str) -> Tag:
        with self.store.transaction():
            wanted = name.strip().casefold()
            if any(tag.name.strip().casefold() == wanted for tag in self._tags()):
                raise CrmError(
                    CrmErrorCode.CONFLICT, f"tag {name!r} exists already", platform=self.slug, status_code=409
                )
            return self.add_tag(Tag(id=self.store.next_id("tags"), name=name))

    async def apply_tag(self, contact_id: str, tag: str) -> None:
        self._require_contact(contact_id)
        with self.store.transaction():
            self._apply(contact_id, tag)

    async def remove_tag(self, contact_id: str, tag: str) -> None:
        self._require_contact(contact_id)
        tag_id = self.resolve_tag(tag)
        self.store.execute("DELETE FROM contact_tags WHERE contact_id = ? AND tag_id = ?", contact_id, tag_id)

    # fields ---------------------------------------------------------------------------------------------
    async def get_custom_fields(self) -> list[CustomField]:
        return self._custom_fields()

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        """The stored value with its type; pseudo keys are looked up literally."""
        self._require_contact(contact_id)
        return self.read_field(contact_id, field_key)

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        self._require_contact(contact_id)
        if move := parse_move(field_key):
            await self.move_deals(contact_id, move[0], to_text(value), every=move[1])
            return
        with self.store.transaction():
            self.write_field(contact_id, field_key, value)
            self._touch(contact_id)

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        self._require_contact(contact_id)
        self.store.record(contact_id, "automation", {"automation_id": automation_id})

    async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
        self._require_contact(contact_id)
        self.store.record(contact_id, "goal", {"goal": goal_name, "integration": integration})

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        self._require_contact(contact_id)
        address = email or to_text(self.read_field(contact_id, "email"))
        self.store.record(contact_id, "opt_in", {"email": address, "opt_in": opt_in, "reason": reason})

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        self._require_contact(contact_id)
        detail = {"title": title, "body": body, "note_type": note_type}
        return str(self.store.record(contact_id, "note", detail))

    # deals and exports ----------------------------------------------------------------------------------
    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        self._require_contact(contact_id)
        sql = "SELECT id, contact_id, stage_id, created_at FROM opportunities WHERE contact_id = ? ORDER BY seq"
        found = [
            Opportunity(id=row[0], contact_id=row[1], stage_id=row[2], created_at=row[3])
            for row in self.store.rows(sql, contact_id)
        ]
        return [deal for deal in found if stage_id is None or deal.stage_id == stage_id]

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        if not self.store.execute("UPDATE opportunities SET stage_id = ? WHERE id = ?", stage_id, opportunity_id):
            raise NotFound(self.slug, "opportunity", opportunity_id)

    async def iter_raw(
        self,
        resource: str,
        page_size: int,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The pages seeded for that resource; none for another one."""
        for page in self.store.raw_pages(resource):
            yield page

    async def saved_search(self, search_id: str) -> list[Contact]:
        query = self.store.scalar("SELECT query FROM saved_searches WHERE id = ?", search_id)
        if query is None:
            raise NotFound(self.slug, "saved search", search_id)
        return [contact async for contact in self.iter_contacts(ContactQuery.model_validate(json.loads(query)))]

    # account --------------------------------------------------------------------------------------------
    async def test_connection(self) -> None:
        self.store.scalar("SELECT count(*) FROM contacts")

    async def get_metadata(self) -> ConnectorMetadata:
        return ConnectorMetadata(platform_slug=self.slug, platform_name="Sandbox", api_version="1")

    # without the interface's checks: seeding and the accessors of the test kit -----------------------------
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
        tags = self._tags()
        if any(tag.id == reference for tag in tags):
            return reference
        wanted = reference.strip().casefold()
        return next((tag.id for tag in tags if tag.name.strip().casefold() == wanted), reference)

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
