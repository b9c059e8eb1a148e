"""Ontraport: what the objects of its one generic API are to a connector."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from helpers.crm.errors import CrmErrorCode, NotFound
from helpers.crm.fields import VendorField
from helpers.crm.models import Contact, ContactPage, ContactQuery, CustomField, Tag
from helpers.crm.ontraport.objects import ObjectApi, equal
from helpers.crm.ontraport.vocabulary import (
    ATTRIBUTES,
    CONTACT,
    DEAL,
    DEALS,
    DIALECT,
    DOUBLE_OPTED_IN,
    GROUP,
    HARD_BOUNCE,
    NOTE,
    OPTED_IN,
    OPTED_OUT,
    PAGE_SIZE,
    TAG,
    TRANSACTION,
    TRANSACTIONS,
    VALUES,
)
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
from helpers.crm.values import note_text
from helpers.crm.vendor import VendorConnector

_CUSTOM = re.compile(r"f\d+")


class OntraportConnector(VendorConnector):
    """One account. ``settings``: ``automation_type`` is Campaign (the default) or Sequence."""

    platform = "ontraport"
    platform_name = "Ontraport"
    api_version = "1"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals")
    dialect = DIALECT
    values = VALUES
    attributes = ATTRIBUTES
    created_key = "date"
    updated_key = "dlm"
    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {
        "invoice": ("transactions", TRANSACTIONS),
        "job": ("transactions", TRANSACTIONS),
        "lead": ("deals", DEALS),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._objects = ObjectApi(self.client)

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        limit = min(query.limit, PAGE_SIZE)
        start = int(query.cursor) if query.cursor else query.offset or 0
        conditions = {await self.fields.vendor_name(name): value for name, value in query.filters.items()}
        if query.email is not None:
            conditions["email"] = query.email.strip()
        params: dict[str, Any] = {"objectID": CONTACT, "start": start, "range": limit, "sort": "id"}
        name, descending = query.order
        if name:
            params["sort"] = await self.fields.vendor_name(name)
            params["sortDir"] = "desc" if descending else "asc"
        if conditions:
            params["condition"] = equal(conditions)
        if query.tag_id is not None:
            params["tag_id"] = (await self.find_tag(query.tag_id)).id
        records = await self._objects.page(params, url="/objects/tag" if query.tag_id is not None else "/objects")
        more = len(records) == limit
        return ContactPage(
            contacts=[await self.normalize(record) for record in records],
            next_cursor=str(start + limit) if more else None,
            has_more=more,
        )

    async def saved_search(self, search_id: str) -> list[Contact]:
        """The members of a group, as Ontraport calls a saved search."""
        # Nothing says how the list answers an unknown group: it must not be with every contact.
        group = await self._objects.data("GET", "/object", params={"objectID": GROUP, "id": search_id})
        if not isinstance(group, Mapping) or not group:
            raise NotFound(self.slug, "group", search_id)
        records = await self._objects.all(CONTACT, sort="id", group_id=search_id)
        return [await self.normalize(record) for record in records]

    async def fetch(self, contact_id: str) -> Record:
        record = await self._objects.data("GET", "/object", params={"objectID": CONTACT, "id": contact_id})
        if not isinstance(record, Mapping) or not record.get("id"):
            raise NotFound(self.slug, "contact", contact_id)
        return record

    async def delete_contact(self, contact_id: str) -> None:
        # Never DELETE /objects: without ids it deletes the whole collection.
        await self._objects.data("DELETE", "/object", params={"objectID": CONTACT, "id": contact_id})

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        values = _named(attributes) | dict(custom)
        if values:
            await self._objects.data("PUT", "/objects", json={"objectID": CONTACT, "id": contact_id, **values})

    async def insert(self, attributes: Record, custom: Record) -> str:
        values = _named(attributes) | dict(custom)
        data = await self._objects.data(
            "POST", "/objects/saveorupdate", json={"objectID": CONTACT, **values}, repeatable="email" in values
        )
        # A new contact is answered as a record, an existing one as its changed attributes.
        return self._objects.saved(at(data, "attrs") or data)

    def instant(self, value: Any) -> Any:
        return datetime.fromtimestamp(int(value), UTC) if str(value or "").isdecimal() and int(value) else None

    # fields ---------------------------------------------------------------------------------------------
    def custom_values(self, record: Record) -> Record:
        """Every attribute: those that are neither mapped nor custom (home_phone, ...) are fields too."""
        return record

    async def normalize(self, record: Record) -> Contact:
        contact = await super().normalize(record)
        custom = {key: value for key, value in contact.custom_fields.items() if _CUSTOM.fullmatch(key)}
        return contact.model_copy(update={"custom_fields": custom})

    async def get_custom_fields(self) -> list[CustomField]:
        return [field for field in await super().get_custom_fields() if _CUSTOM.fullmatch(field.id)]

    async def load_fields(self) -> list[VendorField]:
        data = await self._objects.data("GET", "/objects/meta", params={"objectID": CONTACT, "format": "byId"})
        fields: Mapping[str, Record] = self.client.required(data, f"{CONTACT}.fields")
        return [
            VendorField(
                id=name,
                key=name,
                label=field.get("alias") or "",
                field_type=field.get("type") or "",
                options=[str(label) for label in _options(field).values()],
                option_labels=_options(field),
                read_only=str(field.get("editable", 1)) == "0",
            )
            for name, field in fields.items()
        ]

    # tags -----------------------------------------------------------------------------------------------
    def tag_ids(self, record: Record) -> list[str]:
        return [part for part in str(record.get("contact_cat") or "").split("*/*") if part]

    async def load_tags(self) -> list[Tag]:
        """The tags of contacts: other object types have tags of their own."""
        return [
            Tag(id=tag.get("tag_id") or tag.get("id"), name=tag.get("tag_name"))
            for tag in await self._objects.all(TAG, identifier="")
            if str(tag.get("object_type_id") or CONTACT) == str(CONTACT)
        ]

    async def make_tag(self, name: str) -> Tag:
        body = {"objectID": TAG, "tag_name": name, "object_type_id": CONTACT}
        data = await self._objects.data("POST", "/objects", json=body)
        return Tag(id=self._objects.saved(data, "tag_id"), name=name)

    async def find_tag(self, reference: str) -> Tag:
        """As everywhere, but a name that no tag has is refused: the bulk calls would ignore it without a word."""
        tag = await super().find_tag(reference)
        if not tag.id.isdecimal():
            raise self.client.error(
                CrmErrorCode.NOT_FOUND, f"there is no tag {reference!r}: create it first", status=404
            )
        return tag

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        await self._known(contact_id)
        form = {"objectID": str(CONTACT), "ids": contact_id, "add_list": tag.id}
        await self._objects.data("PUT", "/objects/tag", form=form)

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self._known(contact_id)
        params = {"objectID": CONTACT, "ids": contact_id, "remove_list": tag.id}
        await self._objects.data("DELETE", "/objects/tag", params=params)

    async def _known(self, contact_id: str) -> None:
        """Raise NOT_FOUND for an unknown contact: bulk calls ignore ids that do not exist."""
        await self._record(contact_id)

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        await self._known(contact_id)
        form = {
            "objectID": str(CONTACT), "ids": contact_id, "add_list": automation_id,
            "sub_type": str(self.settings.get("automation_type") or "Campaign"),
        }  # fmt: skip
        # Subscribing twice may start the automation twice.
        await self._objects.data("PUT", "/objects/subscribe", form=form, repeatable=False)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """bulk_mail of the contact, which has one address. A hard bounce and a double opt-in stay what they are."""
        record = await self.fetch(contact_id)
        if email and email.strip().casefold() != str(record.get("email") or "").strip().casefold():
            raise self._unsupported("set_opt_in_status of another address than the contact's own")
        current = str(record.get("bulk_mail") or "")
        if current == str(HARD_BOUNCE):
            if opt_in:
                text = "the address bounces: Ontraport keeps it blocked"
                raise self.client.error(CrmErrorCode.CONFLICT, text, status=409)
            return
        if opt_in and current == str(DOUBLE_OPTED_IN):
            return
        state = OPTED_IN if opt_in else OPTED_OUT
        body = {"objectID": CONTACT, "id": contact_id, "bulk_mail": state}
        data = await self._objects.data("PUT", "/objects", json=body)
        self._forget(contact_id)
        written = at(data, "attrs.bulk_mail")
        if written is not None and str(written) != str(state):
            raise self.client.error(CrmErrorCode.PARTIAL, "Ontraport kept the consent as it was", status=200)

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        await self._known(contact_id)
        note = {"objectID": NOTE, "contact_id": contact_id, "data": note_text(title, body)}
        data = await self._objects.data("POST", "/objects", json=note)
        return str(at(data, "id") or "")

    # deals and transactions -------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals whose primary contact it is."""
        return self._timed(await self._objects.all(DEAL, sort="id", condition=equal({"primary_contact": contact_id})))

    async def transactions(self, contact_id: str) -> list[Record]:
        """The transactions of the contact; one whose status is paid (1) counts as paid in full."""
        condition = equal({"contact_id": contact_id})
        records = self._timed(await self._objects.all(TRANSACTION, sort="id", condition=condition))
        return [
            {**record, "paid": record.get("total") if str(record.get("status")) == "1" else 0} for record in records
        ]

    def _timed(self, records: Sequence[Record]) -> list[Record]:
        instants = [self.instant(record.get("date")) for record in records]
        return [
            {**record, "created": instant.isoformat().replace("+00:00", "Z") if instant else None}
            for record, instant in zip(records, instants, strict=True)
        ]

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        body = {"objectID": DEAL, "id": opportunity_id, "sales_stage": stage_id}
        await self._objects.data("PUT", "/objects", json=body)

    async def test_connection(self) -> None:
        await self._objects.data("GET", "/objects/getInfo", params={"objectID": CONTACT})


def _named(attributes: Record) -> dict[str, Any]:
    return {ATTRIBUTES[name]: value for name, value in attributes.items()}


def _options(field: Record) -> dict[str, str]:
    options = field.get("options")
    return {str(key): str(label) for key, label in options.items()} if isinstance(options, Mapping) else {}
