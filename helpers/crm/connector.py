"""The connector interface: spec/crm.md section 1, and the methods that the helper specs add to it.

A connector overrides what its CRM can do. What it leaves out raises :class:`Unsupported`, a permanent error
that names CRM and operation, so a helper never has to ask first. Every id is text.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from helpers.crm.errors import Unsupported
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

CAPABILITIES = ("contacts", "tags", "custom_fields", "automations", "goals", "deals", "emails", "webhooks")


class CrmConnector(ABC):
    """One account at one CRM. Safe for concurrent use; writes of one contact are serial by the message group.

    Every method raises :class:`~helpers.crm.errors.CrmError`, whose ``retryable`` decides about a retry.
    """

    platform: ClassVar[str]
    capabilities: ClassVar[tuple[str, ...]] = ()

    @property
    def slug(self) -> str:
        """The platform slug that a helper compares with (``keap``, ``hubspot``, ...)."""
        return self.platform

    def run_scope(self) -> CrmConnector:
        """The connector for one run: it may keep the contact between reads, and forgets it after a write."""
        return self

    def _unsupported(self, operation: str) -> Unsupported:
        return Unsupported(self.slug, operation)

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """One page of contacts. ``email`` is compared case-insensitively, ``tag_id`` is an id or a name."""
        raise self._unsupported("get_contacts")

    async def iter_contacts(self, query: ContactQuery | None = None) -> AsyncIterator[Contact]:
        """Every contact of the query, over all pages."""
        query = query or ContactQuery()
        while True:
            page = await self.get_contacts(query)
            for contact in page.contacts:
                yield contact
            if not page.has_more or page.next_cursor is None or page.next_cursor == query.cursor:
                return
            query = query.model_copy(update={"cursor": page.next_cursor})

    async def get_contact(self, contact_id: str) -> Contact:
        """The contact; an unknown id raises NotFound."""
        raise self._unsupported("get_contact")

    async def create_contact(self, contact: NewContact) -> Contact:
        """Create the contact, or update the one with that e-mail where the vendor has an upsert."""
        raise self._unsupported("create_contact")

    async def update_contact(self, contact_id: str, update: ContactUpdate) -> Contact:
        """Write only what is set; other e-mails, phones and custom fields stay as they are."""
        raise self._unsupported("update_contact")

    async def delete_contact(self, contact_id: str) -> None:
        """Delete (HubSpot: archive) the contact."""
        raise self._unsupported("delete_contact")

    # tags -----------------------------------------------------------------------------------------------
    async def get_tags(self) -> list[Tag]:
        """The whole set of tag definitions, all pages, with category names where the CRM has them."""
        raise self._unsupported("get_tags")

    async def create_tag(self, name: str) -> Tag:
        """Create a tag; a duplicate name raises CONFLICT."""
        raise self._unsupported("create_tag")

    async def apply_tag(self, contact_id: str, tag: str) -> None:
        """Apply a tag by id or name; already there is success."""
        raise self._unsupported("apply_tag")

    async def remove_tag(self, contact_id: str, tag: str) -> None:
        """Remove a tag by id or name; not there is success."""
        raise self._unsupported("remove_tag")

    # fields ---------------------------------------------------------------------------------------------
    async def get_custom_fields(self) -> list[CustomField]:
        """The custom fields of the account (HubSpot: all properties)."""
        raise self._unsupported("get_custom_fields")

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        """A standard, custom or pseudo field (``_related.*``, ``_email_stats.*``, ``_goal.*``); None = no value."""
        raise self._unsupported("get_field_value")

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        """Write one field; the key is resolved as in get_field_value, the value keeps its type."""
        raise self._unsupported("set_field_value")

    async def set_field_values(self, contact_id: str, values: Mapping[str, Any]) -> None:
        """Write several fields, in one update where the CRM can; a failure may leave the first ones written."""
        for field_key, value in values.items():
            await self.set_field_value(contact_id, field_key, value)

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        """Start an automation (campaign sequence, workflow) for the contact."""
        raise self._unsupported("trigger_automation")

    async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
        """Achieve an API goal (Keap only)."""
        raise self._unsupported("achieve_goal")

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """Set the e-mail marketing consent; ``email`` names a non-primary address of the contact."""
        raise self._unsupported("set_opt_in_status")

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        """Add a note and return its id ("" where the CRM returns none)."""
        raise self._unsupported("create_note")

    # deals and exports ----------------------------------------------------------------------------------
    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        """The deals of the contact, all pages, those of one stage where given."""
        raise self._unsupported("list_opportunities")

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        """Move a deal to another stage."""
        raise self._unsupported("update_opportunity_stage")

    async def move_deals(self, contact_id: str, from_stage: str, to_stage: str, *, every: bool) -> None:
        """Move the contact's oldest deal of a stage, or every one; none there is success (crm.md 5.5)."""
        deals = sorted(await self.list_opportunities(contact_id, from_stage), key=lambda deal: deal.age)
        for deal in deals if every else deals[:1]:
            await self.update_opportunity_stage(deal.id, to_stage)

    def iter_raw(self, resource: str, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Pages of the vendor's own records, for whole-account exports."""
        raise self._unsupported("iter_raw")

    async def saved_search(self, search_id: str) -> list[Contact]:
        """The contacts of a saved search of the CRM, all pages."""
        raise self._unsupported("saved_search")

    # account --------------------------------------------------------------------------------------------
    async def test_connection(self) -> None:
        """The cheapest authenticated read."""
        raise self._unsupported("test_connection")

    async def get_metadata(self) -> ConnectorMetadata:
        """Platform slug, name, API version and base URL."""
        raise self._unsupported("get_metadata")

    async def get_capabilities(self) -> list[str]:
        """What the earlier platform promised of this CRM (crm.md section 1), a subset of :data:`CAPABILITIES`."""
        return list(self.capabilities)
