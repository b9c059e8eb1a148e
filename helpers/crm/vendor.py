"""What every vendor's connector does alike: the interface over a handful of vendor calls.

A vendor says where its attributes are (`attributes`), how it writes values (`values`) and implements the calls
below; look-up of fields and tags, translation of values, partial updates and pseudo keys exist here, once.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

from pydantic import Field

from helpers.crm.client import VendorClient
from helpers.crm.definitions import DefinitionCache
from helpers.crm.dialect import Dialect
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ConnectorMetadata, Contact, ContactUpdate, CustomField, NewContact, Tag
from helpers.crm.paths import Record, at
from helpers.crm.pseudo import PseudoKeys
from helpers.crm.values import ValueForm
from helpers.rules.fields import STANDARD_NAMES, alias_of, fold, is_pseudo, resolve, secondary_email
from helpers.rules.text import to_text

_SETTABLE = tuple(name for name in STANDARD_NAMES if name != "id")


class VendorField(CustomField):
    """A custom field with what its vendor needs to write it: option ids to labels, and whether it may be written."""

    option_labels: dict[str, str] = Field(default_factory=dict)
    read_only: bool = False


T = TypeVar("T")
_STALE = frozenset({CrmErrorCode.VALIDATION, CrmErrorCode.NOT_FOUND})
_DATES = frozenset({"birthday", "anniversary"})
_DATE = VendorField(id="date", field_type="date")


class VendorConnector(PseudoKeys):
    """Base of the five connectors.

    ``attributes`` maps standard names (and further ones: website, birthday, address1, ...) to the vendor's keys.
    ``aliases`` maps further spellings of stored configs (case and ``_`` do not matter) to those names.
    """

    platform_name: ClassVar[str]
    api_version: ClassVar[str] = ""
    dialect: ClassVar[Dialect]
    values: ClassVar[ValueForm]
    attributes: ClassVar[Mapping[str, str]]
    created_key: ClassVar[str] = ""
    updated_key: ClassVar[str] = ""
    aliases: ClassVar[Mapping[str, str]] = {}

    def __init__(self, client: VendorClient, account_id: str = "", settings: Mapping[str, Any] | None = None) -> None:
        self.client = client
        self.account_id = account_id
        self.settings = dict(settings or {})
        self._tag_cache: DefinitionCache[Tag] = DefinitionCache(client.clock)
        self._field_cache: DefinitionCache[VendorField] = DefinitionCache(client.clock)
        self.records: dict[str, Record] | None = None
        # Names win over the vendor's own keys, which are accepted too (crm.md 5.2).
        self._by_fold = {fold(key): name for name, key in self.attributes.items()}
        self._by_fold |= {fold(name): name for name in self.attributes}
        self._by_fold |= {fold(alias): name for alias, name in self.aliases.items()}

    def run_scope(self) -> Self:
        """The same connection for one run: a contact is read once, and again after the run wrote to it."""
        scoped = copy.copy(self)
        scoped.records = {}
        return scoped

    # what a vendor implements -----------------------------------------------------------------------------
    @abstractmethod
    async def fetch(self, contact_id: str) -> Record:
        """The vendor's record with attributes, custom values and tags. Raises NOT_FOUND."""

    @abstractmethod
    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        """Write the named attributes and the custom fields (by id, in the vendor's form), nothing else."""

    @abstractmethod
    async def insert(self, attributes: Record, custom: Record) -> str:
        """Create the contact, or update the one with that e-mail; returns its id."""

    @abstractmethod
    async def load_tags(self) -> list[Tag]:
        """All tag definitions."""

    @abstractmethod
    async def load_fields(self) -> list[VendorField]:
        """All custom fields."""

    @abstractmethod
    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        """Apply; already there is success."""

    @abstractmethod
    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        """Remove; not there is success."""

    @abstractmethod
    def tag_ids(self, record: Record) -> list[str]:
        """The ids of the tags in a record."""

    def record_tags(self, record: Record, definitions: Sequence[Tag]) -> list[Tag]:
        """The tags in a record, with their names."""
        names = {tag.id: tag for tag in definitions}
        return [names.get(tag_id, Tag(id=tag_id)) for tag_id in self.tag_ids(record)]

    @abstractmethod
    async def make_tag(self, name: str) -> Tag:
        """Create a tag definition of a name that is not taken."""

    @abstractmethod
    def custom_values(self, record: Record) -> Record:
        """Field id -> value in the vendor's form."""

    def attribute(self, record: Record, name: str) -> Any:
        """A named attribute of a record."""
        return at(record, self.attributes[name])

    async def unknown_field(self, contact_id: str, key: str) -> Any:
        """The value of a key that is neither attribute nor custom field."""
        return None

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
        fields = {field.id: field for field in await self._fields()}
        definitions = await _unless_forbidden(self.get_tags(), []) if self.tag_ids(record) else []
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

    def instant(self, value: Any) -> Any:
        """A time of a record in a form that Contact accepts."""
        return value or None

    # tags -----------------------------------------------------------------------------------------------
    async def get_tags(self) -> list[Tag]:
        return list(await self._tag_cache.items(self.load_tags))

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
        wanted = reference.strip().casefold()

        def match(tags: list[Tag]) -> Tag | None:
            by_id = next((tag for tag in tags if tag.id == reference), None)
            return by_id or next((tag for tag in tags if tag.name.strip().casefold() == wanted), None)

        known = await _unless_forbidden(self._tag_cache.find(self.load_tags, match), None)
        return known or Tag(id=reference, name=reference)

    # fields ---------------------------------------------------------------------------------------------
    async def get_custom_fields(self) -> list[CustomField]:
        return list(await self._field_cache.items(self.load_fields))

    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        if is_pseudo(field_key):
            return await self.pseudo_value(contact_id, field_key)
        name, field = await self._find_field(field_key)
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
            self._field_cache.drop()
            fresh = await self._split(fields)
            if fresh == update:
                raise
            await self.write(contact_id, *fresh)
        finally:
            self._forget(contact_id)

    # account --------------------------------------------------------------------------------------------
    async def get_metadata(self) -> ConnectorMetadata:
        return ConnectorMetadata(
            platform_slug=self.slug, platform_name=self.platform_name, api_version=self.api_version,
            base_url=self.client.base_url,
        )  # fmt: skip

    # ----------------------------------------------------------------------------------------------------
    async def _fields(self) -> list[VendorField]:
        return await _unless_forbidden(self._field_cache.items(self.load_fields), [])

    async def _record(self, contact_id: str) -> Record:
        if self.records is None:
            return await self.fetch(contact_id)
        if contact_id not in self.records:
            self.records[contact_id] = await self.fetch(contact_id)
        return self.records[contact_id]

    def _forget(self, contact_id: str) -> None:
        if self.records is not None:
            self.records.pop(contact_id, None)

    async def vendor_name(self, key: str) -> str:
        """What the vendor calls the field of a key, for filters and orders; an unknown key as it is."""
        name, field = await self._find_field(key)
        return field.id if field is not None else self.attributes.get(name or "", key)

    async def _find_field(self, key: str) -> tuple[str | None, VendorField | None]:
        """The attribute name or the custom field behind a key; neither for an unknown key."""
        if key == "id" or (key in STANDARD_NAMES and key in self.attributes):
            return key, None

        mapped = set(self.attributes.values())

        def match(fields: list[VendorField]) -> VendorField | None:
            # HubSpot lists its standard properties among the custom ones.
            custom = resolve(key, [field for field in fields if field.id not in mapped]).custom
            return custom if isinstance(custom, VendorField) else None

        number = secondary_email(key)
        alias = alias_of(key)
        name = (
            f"email{number}" if number else alias if alias in ("id", *self.attributes) else self._by_fold.get(fold(key))
        )
        if name in ("id", *self.attributes):
            # An exact custom key still wins over an alias (contact C2), so the list decides; no reload is needed.
            return (None, custom) if (custom := match(await self._fields())) else (name, None)
        return None, await self._field_cache.find(self.load_fields, match)

    async def _split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        attributes: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for key, value in values.items():
            name, field = await self._find_field(key)
            if name == "id" or (field is not None and field.read_only) or is_pseudo(key):
                raise self.client.error(CrmErrorCode.VALIDATION, f"field {key!r} is read only", status=400)
            if name is not None:
                attributes[name] = self.values.write(_DATE, value) if name in _DATES else to_text(value)
            elif field is not None:
                custom[field.id] = self.values.write(field, value, field.option_labels)
            else:
                raise self.client.error(CrmErrorCode.VALIDATION, f"there is no field {key!r}", status=400)
        return attributes, custom


async def _unless_forbidden(load: Awaitable[T], otherwise: T) -> T:
    """The definitions; ``otherwise`` where the credentials may not read them, which need not stop the work itself."""
    try:
        return await load
    except CrmError as exc:
        if exc.code is not CrmErrorCode.FORBIDDEN:
            raise
        return otherwise


def _values_of(update: ContactUpdate) -> dict[str, Any]:
    standard = {name: getattr(update, name) for name in _SETTABLE}
    return {name: value for name, value in standard.items() if value is not None} | update.custom_fields
