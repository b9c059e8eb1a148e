"""A sandbox CRM account for one test: fixtures in, contacts, fields, tags and deals out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from helpers.crm.connector import CAPABILITIES
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import Contact, Tag
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import seed
from helpers.rules.fields import is_pseudo, resolve

# spec crm.md section 1 (seeded capabilities).
PLATFORM_CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "keap": ("contacts", "tags", "custom_fields", "automations", "goals", "deals", "emails"),
    "gohighlevel": ("contacts", "tags", "custom_fields", "automations", "webhooks"),
    "activecampaign": ("contacts", "tags", "custom_fields", "automations", "deals", "emails"),
    "ontraport": ("contacts", "tags", "custom_fields", "automations", "deals"),
    "hubspot": ("contacts", "tags", "custom_fields", "automations", "deals"),
    "stripe": ("contacts", "tags", "custom_fields"),
}
# What has no capability of its own is there where automations are: everywhere but at Stripe (contact.md note_it).
_NEEDS: Mapping[str, str] = {
    "trigger_automation": "automations",
    "set_opt_in_status": "automations",
    "create_tag": "automations",
    "achieve_goal": "goals",
    "create_note": "automations",
    "list_opportunities": "deals",
    "update_opportunity_stage": "deals",
}
DEFAULT_CONTACT_ID = "c1"


class SandboxCRM(SandboxConnector):
    """The sandbox connector on an in-memory database, loaded from the fixture of the test kit.

    ``platform`` makes it report that vendor's slug and capabilities; without it, it passes as Keap and can do
    everything. ``fail`` maps a method name to True or to the argument values for which it fails for good;
    ``calls`` lists every call, refused ones included.
    """

    def __init__(self, fixture: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        fixture = fixture or {}
        self._slug: str = fixture.get("platform") or "keap"
        self._allowed = PLATFORM_CAPABILITIES.get(self._slug, CAPABILITIES) if fixture.get("platform") else CAPABILITIES
        self.fail: dict[str, Any] = dict(fixture.get("fail") or {})
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        seed(self, {**fixture, "contacts": _contacts(fixture), "opportunities": _opportunities(fixture)})

    @property
    def slug(self) -> str:
        return self._slug

    async def get_capabilities(self) -> list[str]:
        return list(self._allowed)

    # what a test asks afterwards --------------------------------------------------------------------------
    def contact(self, contact_id: str) -> Contact:
        """The contact as it is now. Raises NotFound for an unknown id."""
        self._require_contact(str(contact_id))
        return self.load_contact(str(contact_id))

    def field(self, contact_id: str, field_key: str) -> Any:
        """A field's value with its type, None where there is none."""
        self._require_contact(str(contact_id))
        return self.read_field(str(contact_id), field_key)

    def tags_of(self, contact_id: str) -> set[str]:
        """The ids of the contact's tags."""
        self._require_contact(str(contact_id))
        return set(self.tag_ids(str(contact_id)))

    def opportunity_stage(self, opportunity_id: str) -> str | None:
        """The stage of a deal, None for an unknown one."""
        return self.store.scalar("SELECT stage_id FROM opportunities WHERE id = ?", str(opportunity_id))  # type: ignore[no-any-return] # SQLite columns are untyped

    def goals_of(self, contact_id: str) -> list[dict[str, Any]]:
        """The goals achieved for the contact, in order: {goal, integration}."""
        return self.store.events(contact_id, "goal")

    def automations_of(self, contact_id: str) -> list[str]:
        """The ids of the automations started for the contact, in order."""
        return [entry["automation_id"] for entry in self.store.events(contact_id, "automation")]

    def opt_ins_of(self, contact_id: str) -> list[dict[str, Any]]:
        """The consent changes of the contact, in order: {email, opt_in, reason}."""
        return self.store.events(contact_id, "opt_in")

    def notes_of(self, contact_id: str) -> list[dict[str, Any]]:
        """The notes of the contact, in order: {title, body, note_type}."""
        return self.store.events(contact_id, "note")

    # ----------------------------------------------------------------------------------------------------
    def _tags(self) -> list[Tag]:
        """Only Keap has tag categories (tagging T3), whatever the fixture says."""
        tags = super()._tags()
        if self._slug == "keap" or self._slug not in PLATFORM_CAPABILITIES:
            return tags
        return [tag.model_copy(update={"category": ""}) for tag in tags]

    def _check(self, method: str, arguments: Sequence[Any]) -> None:
        """Note the call and raise what it has to fail with, if anything."""
        self.calls.append((method, tuple(arguments)))
        given = [spelling for argument in arguments for spelling in self._spellings(argument)]
        asked = self.fail.get(method) or ()
        named = set() if asked is True else {spelling for value in asked for spelling in self._spellings(str(value))}
        if asked is True or named & set(given):
            raise CrmError(
                CrmErrorCode.VALIDATION, f"{method} fails as the test asked", platform=self.slug, status_code=400
            )
        if _NEEDS.get(method, "contacts") not in self._allowed:
            raise self._unsupported(method)
        if method == "get_field_value" and self._slug in PLATFORM_CAPABILITIES and self._slug != "keap":
            contact_id, field_key = given[0], next(key for key in reversed(given) if key)
            if is_pseudo(field_key) and field_key not in self.store.values(contact_id):
                raise self._unsupported(f"get_field_value({field_key})")

    def _spellings(self, argument: Any) -> list[str]:
        """The texts by which ``fail`` may name an argument: as given, and as the tag or field it leads to."""
        if isinstance(argument, BaseModel):
            given = argument.model_dump(exclude_unset=True)
            keys = [*given.pop("custom_fields", {}), *given]
            values = [value for value in given.values() if isinstance(value, str)]
            return [*values, *(spelling for key in keys for spelling in self._spellings(key))]
        if isinstance(argument, str):
            return [argument, self.resolve_tag(argument), resolve(argument).standard or argument]
        return [str(argument)]


def _contacts(fixture: Mapping[str, Any]) -> list[dict[str, Any]]:
    main = fixture.get("contact")
    fields = fixture.get("fields") or {}
    first = [] if main is None and not fields else [{"id": DEFAULT_CONTACT_ID, **(main or {})}]
    if first and fields:
        first[0]["fields"] = {**(first[0].get("fields") or {}), **fields}
    return [*first, *(fixture.get("extra_contacts") or ())]


def _opportunities(fixture: Mapping[str, Any]) -> list[dict[str, Any]]:
    contact_id = (fixture.get("contact") or {}).get("id", DEFAULT_CONTACT_ID)
    return [{"contact_id": contact_id, **deal} for deal in fixture.get("opportunities") or ()]


def _checked(name: str) -> Callable[..., Any]:
    """The connector's method, behind SandboxCRM's checks."""
    original = getattr(SandboxConnector, name)
    if inspect.isasyncgenfunction(original):

        @functools.wraps(original)
        async def pages(self: SandboxCRM, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self._check(name, [*args, *kwargs.values()])
            async for page in original(self, *args, **kwargs):
                yield page

        return pages

    @functools.wraps(original)
    async def call(self: SandboxCRM, *args: Any, **kwargs: Any) -> Any:
        self._check(name, [*args, *kwargs.values()])
        return await original(self, *args, **kwargs)

    return call


_METHODS = (
    "get_contacts", "get_contact", "create_contact", "update_contact", "delete_contact", "get_tags", "create_tag",
    "apply_tag", "remove_tag", "get_custom_fields", "get_field_value", "set_field_value", "trigger_automation",
    "achieve_goal", "set_opt_in_status", "create_note", "list_opportunities", "update_opportunity_stage", "iter_raw",
    "saved_search", "test_connection",
)  # fmt: skip

for _name in _METHODS:
    setattr(SandboxCRM, _name, _checked(_name))
