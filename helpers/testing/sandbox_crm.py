"""The sandbox CRM with injected failures and a vendor's face, loaded from one dict."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from helpers.crm.connector import CAPABILITIES
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound, Unsupported
from helpers.crm.models import (
    Contact,
    ContactPage,
    ContactQuery,
    ContactUpdate,
    CustomField,
    NewContact,
    Opportunity,
    Tag,
)
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import seed
from helpers.rules.fields import STANDARD_NAMES, is_pseudo

# What each vendor can do (crm.md section 1); notes are in every CRM of the list.
VENDOR_CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "keap": ("contacts", "tags", "custom_fields", "automations", "goals", "deals", "emails", "notes"),
    "gohighlevel": ("contacts", "tags", "custom_fields", "automations", "webhooks", "deals", "notes"),
    "activecampaign": ("contacts", "tags", "custom_fields", "automations", "deals", "emails", "notes"),
    "ontraport": ("contacts", "tags", "custom_fields", "automations", "deals", "notes"),
    "hubspot": ("contacts", "tags", "custom_fields", "automations", "deals", "notes"),
    "stripe": ("contacts", "tags", "custom_fields"),
}
KNOWN_KEYS = frozenset(
    {"platform", "contact", "extra_contacts", "tags", "fields", "fail", "opportunities", "raw", "saved_searches"}
)


class SandboxCRM(SandboxConnector):
    """``{"platform"?, "contact", "extra_contacts"?, "tags"?, "fields"?, "fail"?, "opportunities"?, "raw"?}``.

    Without ``platform`` it supports everything and passes as Keap. ``fail`` is ``{method: true | [values]}``: the
    method raises a permanent CrmError always, or when one of its arguments equals one of the values.
    """

    def __init__(self, fixture: Mapping[str, Any] | None = None) -> None:
        document = dict(fixture or {})
        unknown = set(document) - KNOWN_KEYS
        if unknown:
            raise ValueError(f"unknown keys {sorted(unknown)}; write some of {sorted(KNOWN_KEYS)}")
        platform = document.get("platform")
        if platform is not None and platform != "sandbox" and platform not in VENDOR_CAPABILITIES:
            raise ValueError(f"unknown platform {platform!r}; write one of {sorted(VENDOR_CAPABILITIES)}")
        super().__init__()
        self._slug = platform or "keap"
        self._abilities = VENDOR_CAPABILITIES.get(platform or "", CAPABILITIES)
        self.fail: dict[str, Any] = dict(document.get("fail") or {})
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        contact = document.get("contact")
        if document.get("fields") and contact is None:
            raise ValueError("fields: they belong to the contact, and there is none")
        contacts = [] if contact is None else [{**contact, "fields": document.get("fields") or {}}]
        seed(self, {**document, "contacts": [*contacts, *(document.get("extra_contacts") or [])]})

    @property
    def slug(self) -> str:
        """The vendor it passes as; Keap without one."""
        return self._slug

    async def get_capabilities(self) -> list[str]:
        """What that vendor can do."""
        return list(self._abilities)

    def before(self, operation: str, *arguments: Any) -> None:
        """Record the call, and raise where ``fail`` or the vendor's capabilities ask for it."""
        self.calls.append((operation, arguments))
        if operation == "achieve_goal" and "goals" not in self._abilities:
            raise Unsupported(self.slug, operation)
        wanted = self.fail.get(operation)
        if wanted is None or wanted is False:
            return
        if wanted is True or any(argument in wanted for argument in arguments):
            raise CrmError(
                CrmErrorCode.VALIDATION, f"{operation} fails by order of the test", platform=self.slug, status_code=400
            )

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        """As the sandbox; a pseudo key without a value is unsupported where the vendor has no such records."""
        self.before("get_field_value", contact_id, field_key)
        value = await super().get_field_value(contact_id, field_key)
        if value is None and is_pseudo(field_key) and self.slug not in {"sandbox", "keap"}:
            needs = {"_related.lead.": "deals", "_email_stats.": "emails", "_goal.": "goals"}
            capability = next((name for prefix, name in needs.items() if field_key.startswith(prefix)), None)
            if capability is None or capability not in self._abilities:
                raise Unsupported(self.slug, f"get_field_value({field_key})")
        return value

    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        self.before("get_contacts", *((query.email, query.tag_id) if query else ()))
        return await super().get_contacts(query)

    async def get_contact(self, contact_id: str) -> Contact:
        self.before("get_contact", contact_id)
        return await super().get_contact(contact_id)

    async def create_contact(self, contact: NewContact) -> Contact:
        self.before("create_contact", contact.email)
        return await super().create_contact(contact)

    async def update_contact(self, contact_id: str, update: ContactUpdate) -> Contact:
        standard = [name for name, value in update.model_dump().items() if value is not None and name in STANDARD_NAMES]
        self.before("update_contact", contact_id, *standard, *update.custom_fields)
        return await super().update_contact(contact_id, update)

    async def delete_contact(self, contact_id: str) -> None:
        self.before("delete_contact", contact_id)
        await super().delete_contact(contact_id)

    async def get_tags(self) -> list[Tag]:
        self.before("get_tags")
        return await super().get_tags()

    async def create_tag(self, name: str) -> Tag:
        self.before("create_tag", name)
        return await super().create_tag(name)

    async def apply_tag(self, contact_id: str, tag: str) -> None:
        self.before("apply_tag", contact_id, tag)
        await super().apply_tag(contact_id, tag)

    async def remove_tag(self, contact_id: str, tag: str) -> None:
        self.before("remove_tag", contact_id, tag)
        await super().remove_tag(contact_id, tag)

    async def get_custom_fields(self) -> list[CustomField]:
        self.before("get_custom_fields")
        return await super().get_custom_fields()

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        self.before("set_field_value", contact_id, field_key)
        await super().set_field_value(contact_id, field_key, value)

    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        self.before("trigger_automation", contact_id, automation_id)
        await super().trigger_automation(contact_id, automation_id)

    async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
        self.before("achieve_goal", contact_id, goal_name)
        await super().achieve_goal(contact_id, goal_name, integration)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        self.before("set_opt_in_status", contact_id, email)
        await super().set_opt_in_status(contact_id, opt_in, reason, email=email)

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        self.before("create_note", contact_id)
        return await super().create_note(contact_id, title, body, note_type)

    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        self.before("list_opportunities", contact_id, stage_id)
        return await super().list_opportunities(contact_id, stage_id)

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        self.before("update_opportunity_stage", opportunity_id, stage_id)
        await super().update_opportunity_stage(opportunity_id, stage_id)

    async def iter_raw(self, resource: str, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:
        self.before("iter_raw", resource)
        async for page in super().iter_raw(resource, page_size):
            yield page

    async def saved_search(self, search_id: str) -> list[Contact]:
        self.before("saved_search", search_id)
        return await super().saved_search(search_id)

    # what a test looks at ---------------------------------------------------------------------------------
    def contact(self, contact_id: str) -> Contact:
        """The contact as it is now. Raises NotFound."""
        if not self.store.contact_exists(contact_id):
            raise NotFound(self.slug, "contact", contact_id)
        return self.load_contact(contact_id)

    def field(self, contact_id: str, field_key: str) -> Any:
        """One field as it is now, resolved like get_field_value; None where it has no value."""
        self.contact(contact_id)
        return self.read_field(contact_id, field_key)

    def tags_of(self, contact_id: str) -> set[str]:
        """The ids of the contact's tags."""
        return {tag.id for tag in self.contact(contact_id).tags}

    def opportunity_stage(self, opportunity_id: str) -> str | None:
        """The stage of a deal, None when there is no such deal."""
        stage = self.store.scalar("SELECT stage_id FROM opportunities WHERE id = ?", opportunity_id)
        return None if stage is None else str(stage)
