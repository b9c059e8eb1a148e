"""What every vendor's connector does alike: the interface over the calls of one vendor (`vendor_calls`).

Look-up of fields and tags, translation of values, partial updates and pseudo keys exist here, once.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Self

from helpers.crm.client import VendorClient
from helpers.crm.definitions import DefinitionCache, unless_forbidden
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.fields import FieldTable, VendorField
from helpers.crm.models import (
    ConnectorMetadata,
    Contact,
    ContactUpdate,
    CustomField,
    NewContact,
    Opportunity,
    Tag,
    tag_of,
)
from helpers.crm.paths import Record, at
from helpers.crm.vendor_calls import VendorCalls
from helpers.rules.fields import STANDARD_NAMES, is_pseudo
from helpers.rules.text import to_text

_SETTABLE = tuple(name for name in STANDARD_NAMES if name != "id")
_STALE = frozenset({CrmErrorCode.VALIDATION, CrmErrorCode.NOT_FOUND})
_DATES = frozenset({"birthday", "anniversary"})
_DATE = VendorField(id="date", field_type="date")


class VendorConnector(VendorCalls):
    """Base of the five connectors."""

    def __init__(self, client: VendorClient, account_id: str = "", settings: Mapping[str, Any] | None = None) -> None:
        self.client = client
        self.account_id = account_id
        self.settings = dict(settings or {})
        self._tag_cache: DefinitionCache[Tag] = DefinitionCache(self.load_tags, client.clock)
        self.fields = FieldTable(self.platform, self.attributes, self.aliases, self.load_fields, client.clock)
        self.records: dict[str, Record] | None = None

    def run_scope(self) -> Self:
        """The same connection for one run: a contact is read once, and again after the run wrote to it."""
        scoped = copy.copy(self)
        scoped.records = {}
        return scoped

    # contacts -------------------------------------------------------------------------------------------
    async def get_contact(self, contact_id: str) -> Contact:
        return await self.normalize(await self._record(contact_id))

    async def create_contact(self, contact: NewContact) -> Contact:
        attributes, custom = await self._split(_values_of(contact))
        contact_id = await self.insert(attributes, custom)
        for tag in contact.tags:
            await self.apply_tag(contact_id, tag)
        return await self.get_contact(contact_id)

    async def update_contact(self, contact_id: str, update: ContactUpdate) -> Contact:
        await self.set_field_values(contact_id, _values_of(update))
        return await self.get_contact(contact_id)

    async def normalize(self, record: Record) -> Contact:
        """The record as every CRM is read."""
        fields = {field.id: field for field in await self.fields.known()}
        definitions = await unless_forbidden(self.get_tags(), []) if self.tag_ids(record) else []
        custom = {
            key: self.values.read(fields[key], value, fields[key].option_labels) if key in fields else value
            for key, value in self.custom_values(record).items()
        }
        contact_id = str(self.client.required(record, "id"))
        return Contact(
            id=contact_id,
            **{name: to_text(self.attribute(record, name)) for name in _SETTABLE if name in self.attributes},
            tags=self.record_tags(record, definitions),
            custom_fields=custom,
            source_crm=self.slug,
            source_id=contact_id,
            created_at=self.instant(at(record, self.created_key)),
            updated_at=self.instant(at(record, self.updated_key)),
        )

    # tags -----------------------------------------------------------------------------------------------
    async def get_tags(self) -> list[Tag]:
        return list(await self._tag_cache.items())

    async def create_tag(self, name: str) -> Tag:
        """Vendors answer a duplicate in many ways, or make a second one: the list decides."""
        await self._refuse_duplicate(name)
        try:
            made = await self.make_tag(name)
        except CrmError as exc:
            if exc.code is CrmErrorCode.VALIDATION:
                await self._refuse_duplicate(name)
            raise
        finally:
            self._tag_cache.drop()
        return made

    async def _refuse_duplicate(self, name: str) -> None:
        wanted = name.strip().casefold()
        self._tag_cache.drop()
        if any(tag.name.strip().casefold() == wanted for tag in await self.get_tags()):
            raise self.client.error(CrmErrorCode.CONFLICT, f"tag {name!r} exists already", status=409)

    async def apply_tag(self, contact_id: str, tag: str) -> None:
        await self._with_tag(contact_id, tag, self.add_tag)

    async def remove_tag(self, contact_id: str, tag: str) -> None:
        await self._with_tag(contact_id, tag, self.drop_tag)

    async def _with_tag(self, contact_id: str, reference: str, change: Callable[[str, Tag], Awaitable[None]]) -> None:
        tag = await self.find_tag(reference)
        try:
            await change(contact_id, tag)
        except CrmError as exc:
            # The list may be minutes old: the name may belong to another tag by now.
            if exc.code not in _STALE:
                raise
            self._tag_cache.drop()
            fresh = await self.find_tag(reference)
            if fresh == tag:
                raise
            await change(contact_id, fresh)
        finally:
            self._forget(contact_id)

    async def find_tag(self, reference: str) -> Tag:
        """The tag of a reference: exact id, else name (trimmed, any case), else the reference as it is."""
        known = await unless_forbidden(self._tag_cache.find(partial(tag_of, reference)), None)
        return known or Tag(id=reference, name=reference)

    # fields ---------------------------------------------------------------------------------------------
    async def get_custom_fields(self) -> list[CustomField]:
        return list(await self.fields.custom())

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        if is_pseudo(field_key):
            return await self.pseudo_value(contact_id, field_key)
        try:
            name, field = await self.fields.find(field_key)
        except CrmError as exc:
            # Without the list the key can still be the field's id.
            values = self.custom_values(await self._record(contact_id)) if exc.code is CrmErrorCode.FORBIDDEN else {}
            if field_key not in values:
                raise
            return values[field_key]
        record = await self._record(contact_id)
        if name == "id":
            return str(self.client.required(record, "id"))
        if name is not None:
            value = self.attribute(record, name)
            # Some vendors send ids and phone numbers as numbers; an attribute is text.
            return self.values.read(_DATE, value) if name in _DATES else value and to_text(value)
        if field is None:
            known = self.custom_values(record)
            return known[field_key] if field_key in known else await self.unknown_field(contact_id, field_key)
        return self.values.read(field, self.custom_values(record).get(field.id), field.option_labels)

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        await self.set_field_values(contact_id, {field_key: value})

    async def set_field_values(self, contact_id: str, values: Mapping[str, Any]) -> None:
        """One update for all of them; a pseudo key of a stage moves deals (crm.md 5.5)."""
        fields = await self.move_by_keys(contact_id, values)
        if values and not fields:
            return
        update = await self._split(fields)
        try:
            await self.write(contact_id, *update)
        except CrmError as exc:
            # A field may have been replaced since the list was read.
            if exc.code is not CrmErrorCode.VALIDATION:
                raise
            self.fields.drop()
            fresh = await self._split(fields)
            if fresh == update:
                raise
            await self.write(contact_id, *fresh)
        finally:
            self._forget(contact_id)

    # deals ----------------------------------------------------------------------------------------------
    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        """The records behind the lead keys."""
        method, shape = self.related["lead"]
        deals = [
            Opportunity(
                id=str(self.client.required(record, shape.identifier)), contact_id=contact_id,
                stage_id=to_text(shape.value(record, "StageID")), created_at=at(record, shape.created),
            )
            for record in await getattr(self, method)(contact_id)
        ]  # fmt: skip
        return [deal for deal in deals if stage_id in (None, deal.stage_id)]

    # account --------------------------------------------------------------------------------------------
    async def get_metadata(self) -> ConnectorMetadata:
        return ConnectorMetadata(
            platform_slug=self.slug, platform_name=self.platform_name, api_version=self.api_version,
            base_url=self.client.base_url,
        )  # fmt: skip

    # ----------------------------------------------------------------------------------------------------
    async def _record(self, contact_id: str) -> Record:
        if self.records is None:
            return await self.fetch(contact_id)
        if contact_id not in self.records:
            self.records[contact_id] = await self.fetch(contact_id)
        return self.records[contact_id]

    def _forget(self, contact_id: str) -> None:
        if self.records is not None:
            self.records.pop(contact_id, None)

    async def _find_writable(self, key: str) -> tuple[str | None, VendorField | None]:
        """As fields.find; a key that is not standard is taken for the field's id where the list may not be read."""
        try:
            return await self.fields.find(key)
        except CrmError as exc:
            if exc.code is not CrmErrorCode.FORBIDDEN:
                raise
            return None, VendorField(id=key)

    async def _split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        attributes: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for key, value in values.items():
            name, field = await self._find_writable(key)
            if name == "id" or (field is not None and field.read_only) or is_pseudo(key):
                raise self.client.error(CrmErrorCode.VALIDATION, f"field {key!r} is read only", status=400)
            if name is not None:
                attributes[name] = self.values.write(_DATE, value) if name in _DATES else to_text(value)
            elif field is not None:
                custom[field.id] = self.values.write(field, value, field.option_labels)
            else:
                raise self.client.error(CrmErrorCode.VALIDATION, f"there is no field {key!r}", status=400)
        return attributes, custom


def _values_of(update: ContactUpdate) -> dict[str, Any]:
    standard = {name: getattr(update, name) for name in _SETTABLE}
    return {name: value for name, value in standard.items() if value is not None} | update.custom_fields
