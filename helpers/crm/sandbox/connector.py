"""The sixth platform: the whole connector interface on SQLite, without a vendor.

Connections of slug ``sandbox`` use it in the embedded stack; `helpers.testing.SandboxCRM` wraps it for tests.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from helpers.crm.connector import CAPABILITIES
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
from helpers.crm.sandbox.records import SandboxRecords
from helpers.rules.text import to_text


class SandboxConnector(SandboxRecords):
    """One sandbox account. Blocking, but each call is a handful of indexed statements (see SandboxStore).

    Unknown contacts raise NotFound in every method that takes one. A field key that does not exist yet is
    created by its first write, an unknown tag reference by its first use.
    """

    capabilities: ClassVar[tuple[str, ...]] = CAPABILITIES

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
        name, descending = query.order
        if name:
            texts = self._texts(ids, name)
            ids.sort(key=texts.__getitem__, reverse=descending)
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
