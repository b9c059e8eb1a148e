"""The sandbox CRM with injected failures and a vendor's face, loaded from one dict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.crm.connector import CAPABILITIES
from helpers.crm.errors import CrmError, CrmErrorCode, NotFound
from helpers.crm.models import Contact, Tag
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import seed, seed_contact
from helpers.rules.fields import is_pseudo

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
        super().__init__(
            slug=platform or "keap",
            capabilities=VENDOR_CAPABILITIES.get(platform or "", CAPABILITIES),
            now=lambda: datetime(2026, 1, 15, 10, tzinfo=UTC),
        )
        self.fail: dict[str, Any] = dict(document.get("fail") or {})
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._seed(document)
        self.calls.clear()

    def _seed(self, document: Mapping[str, Any]) -> None:
        with self.store.transaction():
            for tag in document.get("tags") or []:
                self.store.define("tags", Tag.model_validate(tag).model_dump())
            contact = document.get("contact")
            contacts = [contact] if contact is not None else []
            for entry in [*contacts, *(document.get("extra_contacts") or [])]:
                seed_contact(self, entry)
            for key, value in (document.get("fields") or {}).items():
                if contact is None:
                    raise ValueError("fields: they belong to the contact, and there is none")
                if is_pseudo(key):
                    self.store.set_value(str(contact["id"]), key, value)
                else:
                    self.write(str(contact["id"]), key, value)
            seed(
                self,
                {
                    "opportunities": document.get("opportunities"),
                    "raw": document.get("raw"),
                    "saved_searches": document.get("saved_searches"),
                },
            )

    def before(self, operation: str, *arguments: Any) -> None:
        """Record the call and raise where ``fail`` asks for it."""
        self.calls.append((operation, arguments))
        wanted = self.fail.get(operation)
        if wanted is None or wanted is False:
            return
        if wanted is True or any(argument in wanted for argument in arguments):
            raise CrmError(
                CrmErrorCode.VALIDATION, f"{operation} fails by order of the test", platform=self.slug, status_code=400
            )

    # what a test looks at ---------------------------------------------------------------------------------
    def contact(self, contact_id: str) -> Contact:
        """The contact as it is now. Raises NotFound."""
        if not self.store.contact_exists(contact_id):
            raise NotFound(self.slug, "contact", contact_id)
        return self.load(contact_id)

    def field(self, contact_id: str, field_key: str) -> Any:
        """One field as it is now, resolved like get_field_value; None where it has no value."""
        self.contact(contact_id)
        return self._read(contact_id, field_key)

    def tags_of(self, contact_id: str) -> set[str]:
        """The ids of the contact's tags."""
        return {tag.id for tag in self.contact(contact_id).tags}

    def opportunity_stage(self, opportunity_id: str) -> str | None:
        """The stage of a deal, None when there is no such deal."""
        stage = self.store.scalar("SELECT stage_id FROM opportunities WHERE id = ?", opportunity_id)
        return None if stage is None else str(stage)
