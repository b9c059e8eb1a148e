"""The sandbox CRM: the whole connector interface on SQLite."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.crm.connector import CAPABILITIES, CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound, Unsupported
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
from helpers.crm.sandbox.store import SandboxStore
from helpers.rules.fields import STANDARD_NAMES, FieldRef, is_pseudo, resolve

_WRITABLE = tuple(name for name in STANDARD_NAMES if name != "id")


class SandboxConnector(CrmConnector):
    """Contacts, tags, fields, deals and exports in one SQLite file; several processes may share it.

    ``slug`` is what it answers to and ``capabilities`` what it admits to: the test kit lets it pass as a vendor.
    """

    platform = "sandbox"

    def __init__(
        self,
        store: SandboxStore | None = None,
        *,
        slug: str = "sandbox",
        capabilities: Sequence[str] = CAPABILITIES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store or SandboxStore()
        self._slug = slug
        self._capabilities = tuple(capabilities)
        self._now = now

    @classmethod
    def at(cls, path: str | Path) -> SandboxConnector:
        """The sandbox in that file, made when it does not exist."""
        return cls(SandboxStore(path))

    @property
    def slug(self) -> str:
        """The platform it passes as."""
        return self._slug

    def before(self, operation: str, *arguments: Any) -> None:
        """Called first in every operation; the test kit injects failures here."""

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """One page, in order of creation; with ``tag_id`` in the order in which the tag was applied."""
        query = query or ContactQuery()
        self.before("get_contacts", query.email, query.tag_id)
        if query.tag_id is not None:
            rows = self.store.rows(
                "SELECT contact_id FROM contact_tags WHERE tag_id = ? ORDER BY seq", self._tag_id(query.tag_id)
            )
        else:
            rows = self.store.rows("SELECT id FROM contacts ORDER BY seq")
        ids = [row[0] for row in rows]
        if query.email is not None:
            wanted = query.email.strip().casefold()
            ids = [i for i in ids if str(self.store.value(i, "email") or "").strip().casefold() == wanted]
        for key, value in query.filters.items():
            ids = [i for i in ids if str(self._read(i, key) or "") == value]
        start = int(query.cursor or query.offset or 0)
        end = start + query.limit
        return ContactPage(
            contacts=[self.load(contact_id) for contact_id in ids[start:end]],
            total=len(ids),
            next_cursor=str(end) if end < len(ids) else None,
            has_more=end < len(ids),
        )

    async def get_contact(self, contact_id: str) -> Contact:
        """The contact; an unknown id raises NotFound."""
        self.before("get_contact", contact_id)
        self._require(contact_id)
        return self.load(contact_id)

    async def create_contact(self, contact: NewContact) -> Contact:
        """Create, or update the contact that has the e-mail already."""
        self.before("create_contact", contact.email)
        with self.store.transaction():
            contact_id = self._by_email(contact.email) or self._insert()
            self._write_all(contact_id, contact)
            for tag in contact.tags:
                self._apply(contact_id, tag)
        return self.load(contact_id)

    async def update_contact(self, contact_id: str, update: ContactUpdate) -> Contact:
        """Write what is set, all or nothing."""
        self.before("update_contact", contact_id, *update.custom_fields)
        self._require(contact_id)
        with self.store.transaction():
            self._write_all(contact_id, update)
        return self.load(contact_id)

    async def delete_contact(self, contact_id: str) -> None:
        """Delete the contact and all that hangs on it."""
        self.before("delete_contact", contact_id)
        self._require(contact_id)
        self.store.delete_contact(contact_id)

    # tags -----------------------------------------------------------------------------------------------
    async def get_tags(self) -> list[Tag]:
        """Every tag definition."""
        self.before("get_tags")
        return self._tags()

    async def create_tag(self, name: str) -> Tag:
        """Create a tag; a duplicate name is a CONFLICT."""
        self.before("create_tag", name)
        with self.store.transaction():
            if any(tag.name.strip().casefold() == name.strip().casefold() for tag in self._tags()):
                raise CrmError(CrmErrorCode.CONFLICT, f"tag {name!r} exists", platform=self.slug, status_code=409)
            tag = Tag(id=self.store.next_id("tags"), name=name)
            self.store.define("tags", tag.model_dump())
        return tag

    async def apply_tag(self, contact_id: str, tag: str) -> None:
        """Apply by id or name; an unknown reference is taken as an id, as vendors do."""
        self.before("apply_tag", contact_id, tag)
        self._require(contact_id)
        self._apply(contact_id, tag)

    async def remove_tag(self, contact_id: str, tag: str) -> None:
        """Remove by id or name; not there is success."""
        self.before("remove_tag", contact_id, tag)
        self._require(contact_id)
        self.store.execute(
            "DELETE FROM contact_tags WHERE contact_id = ? AND tag_id = ?", contact_id, self._tag_id(tag)
        )

    # fields ---------------------------------------------------------------------------------------------
    async def get_custom_fields(self) -> list[CustomField]:
        """Every custom field."""
        self.before("get_custom_fields")
        return self._custom_fields()

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        """A stored value with its type; a pseudo key that this CRM cannot answer is unsupported."""
        self.before("get_field_value", contact_id, field_key)
        self._require(contact_id)
        return self._read(contact_id, field_key)

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        """Write one field; a custom field that does not exist yet is made."""
        self.before("set_field_value", contact_id, field_key)
        self._require(contact_id)
        with self.store.transaction():
            self.write(contact_id, field_key, value)
            self._touch(contact_id)

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        """Note that the automation was started."""
        self.before("trigger_automation", contact_id, automation_id)
        self._require(contact_id)
        self.store.record(contact_id, "automation", {"automation_id": automation_id})

    async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
        """Note that the goal was achieved."""
        self.before("achieve_goal", contact_id, goal_name)
        if "goals" not in self._capabilities:
            raise Unsupported(self.slug, "achieve_goal")
        self._require(contact_id)
        self.store.record(contact_id, "goal", {"goal": goal_name, "integration": integration})

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """Note the consent."""
        self.before("set_opt_in_status", contact_id)
        self._require(contact_id)
        self.store.record(contact_id, "opt_in", {"opt_in": opt_in, "reason": reason, "email": email})

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        """Add a note."""
        self.before("create_note", contact_id)
        self._require(contact_id)
        return str(self.store.record(contact_id, "note", {"title": title, "body": body, "type": note_type}))

    # deals and exports ----------------------------------------------------------------------------------
    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        """The deals of the contact, in order of creation in the CRM."""
        self.before("list_opportunities", contact_id)
        if "deals" not in self._capabilities:
            raise Unsupported(self.slug, "list_opportunities")
        self._require(contact_id)
        sql = "SELECT id, contact_id, stage_id, created_at FROM opportunities WHERE contact_id = ? ORDER BY seq"
        found = [
            Opportunity(id=row[0], contact_id=row[1], stage_id=row[2], created_at=row[3])
            for row in self.store.rows(sql, contact_id)
        ]
        return [deal for deal in found if stage_id is None or deal.stage_id == stage_id]

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        """Move a deal."""
        self.before("update_opportunity_stage", opportunity_id)
        changed = self.store.execute("UPDATE opportunities SET stage_id = ? WHERE id = ?", stage_id, opportunity_id)
        if not changed:
            raise NotFound(self.slug, "opportunity", opportunity_id)

    async def iter_raw(self, resource: str, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:  # noqa: ARG002 - pages are seeded as they are
        """The seeded export pages."""
        self.before("iter_raw", resource)
        for page in self.store.raw_pages(resource):
            yield page

    async def saved_search(self, search_id: str) -> list[Contact]:
        """The contacts of a seeded search: a JSON list of contact ids."""
        self.before("saved_search", search_id)
        stored = self.store.scalar("SELECT query FROM saved_searches WHERE id = ?", search_id)
        if stored is None:
            raise NotFound(self.slug, "saved search", search_id)
        return [self.load(contact_id) for contact_id in json.loads(stored) if self.store.contact_exists(contact_id)]

    # account --------------------------------------------------------------------------------------------
    async def test_connection(self) -> None:
        """Read one row."""
        self.before("test_connection")
        self.store.scalar("SELECT 1")

    async def get_metadata(self) -> ConnectorMetadata:
        """Who answers."""
        return ConnectorMetadata(platform_slug=self.slug, platform_name=self.slug.capitalize(), api_version="1")

    async def get_capabilities(self) -> list[str]:
        """What it admits to."""
        return list(self._capabilities)

    # inside -----------------------------------------------------------------------------------------------
    def load(self, contact_id: str) -> Contact:
        """The contact as stored; it must exist."""
        row = self.store.rows("SELECT created_at, updated_at FROM contacts WHERE id = ?", contact_id)[0]
        values = self.store.values(contact_id)
        names = {tag.id: tag for tag in self._tags()}
        tags = self.store.rows("SELECT tag_id FROM contact_tags WHERE contact_id = ? ORDER BY seq", contact_id)
        return Contact(
            id=contact_id,
            **{name: values.get(name) for name in _WRITABLE},
            tags=[names.get(tag_id) or Tag(id=tag_id, name=tag_id) for (tag_id,) in tags],
            custom_fields={
                key: value for key, value in values.items() if key not in STANDARD_NAMES and not is_pseudo(key)
            },
            source_crm=self.slug,
            source_id=contact_id,
            created_at=row[0],
            updated_at=row[1],
        )

    def write(self, contact_id: str, field_key: str, value: Any) -> None:
        """Store a value under the field that the key resolves to."""
        ref = self._resolve(contact_id, field_key)
        if ref.standard == "id":
            raise CrmError(
                CrmErrorCode.VALIDATION, "id: the contact's id cannot be written", platform=self.slug, status_code=422
            )
        if ref.standard is None and ref.custom is None and not is_pseudo(ref.key):
            self.store.define("custom_fields", CustomField(id=ref.key, key=ref.key, label=ref.key).model_dump())
        self.store.set_value(contact_id, ref.standard or ref.key, value)

    def _read(self, contact_id: str, field_key: str) -> Any:
        if is_pseudo(field_key):
            value = self.store.value(contact_id, field_key)
            if value is None:
                self._require_related(field_key)
            return value
        ref = self._resolve(contact_id, field_key)
        if ref.standard == "id":
            return contact_id
        return self.store.value(contact_id, ref.standard or ref.key)

    def _require_related(self, key: str) -> None:
        """None means "no such record"; a CRM that has no such records at all says unsupported (data D13)."""
        if self.slug in {"sandbox", "keap"}:
            return
        needs = {"_related.lead": "deals", "_email_stats": "emails", "_goal": "goals"}
        capability = next((name for prefix, name in needs.items() if key.startswith(prefix + ".")), None)
        if capability is None or capability not in self._capabilities:
            raise Unsupported(self.slug, f"get_field_value({key})")

    def _resolve(self, contact_id: str, field_key: str) -> FieldRef:
        if is_pseudo(field_key):
            return FieldRef(field_key)
        stored = self.store.value(contact_id, field_key)
        if stored is not None and field_key not in STANDARD_NAMES:
            return FieldRef(field_key, custom=CustomField(id=field_key))
        return resolve(field_key, self._custom_fields())

    def _tags(self) -> list[Tag]:
        return [Tag.model_validate(definition) for definition in self.store.definitions("tags")]

    def _custom_fields(self) -> list[CustomField]:
        return [CustomField.model_validate(definition) for definition in self.store.definitions("custom_fields")]

    def _tag_id(self, reference: str) -> str:
        tags = self._tags()
        if any(tag.id == reference for tag in tags):
            return reference
        wanted = reference.strip().casefold()
        return next((tag.id for tag in tags if tag.name.strip().casefold() == wanted), reference)

    def _apply(self, contact_id: str, reference: str) -> None:
        self.store.execute(
            "INSERT INTO contact_tags (contact_id, tag_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            contact_id,
            self._tag_id(reference),
        )

    def _require(self, contact_id: str) -> None:
        if not self.store.contact_exists(contact_id):
            raise NotFound(self.slug, "contact", contact_id)

    def _by_email(self, email: str | None) -> str | None:
        if not email:
            return None
        rows = self.store.rows("SELECT contact_id, value FROM field_values WHERE field_key = 'email'")
        wanted = email.strip().casefold()
        return next((i for i, value in rows if str(json.loads(value) or "").strip().casefold() == wanted), None)

    def _insert(self) -> str:
        contact_id = self.store.next_id("contacts")
        self.insert(contact_id, self._now().isoformat())
        return contact_id

    def insert(self, contact_id: str, created_at: str | None) -> None:
        """Add an empty contact."""
        self.store.execute(
            "INSERT INTO contacts (id, created_at, updated_at) VALUES (?, ?, ?)", contact_id, created_at, created_at
        )

    def _write_all(self, contact_id: str, update: ContactUpdate) -> None:
        for name in _WRITABLE:
            value = getattr(update, name)
            if value is not None:
                self.store.set_value(contact_id, name, value)
        for key, value in update.custom_fields.items():
            self.write(contact_id, key, value)
        self._touch(contact_id)

    def _touch(self, contact_id: str) -> None:
        self.store.execute("UPDATE contacts SET updated_at = ? WHERE id = ?", self._now().isoformat(), contact_id)
