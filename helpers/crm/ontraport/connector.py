"""Ontraport: one generic object API; an answer's ``code`` other than 0 is a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from helpers.crm.errors import CrmErrorCode
from helpers.crm.models import Contact, ContactPage, ContactQuery, CustomField, Opportunity, Tag
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
from helpers.crm.vendor import VendorConnector, VendorField

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

    async def _data(self, method: str, url: str, *, repeatable: bool | None = None, **parts: Any) -> Any:
        """The ``data`` of an answer. Raises VALIDATION for a code other than 0."""
        answer = await self.client.call(method, url, repeatable=repeatable, **parts) or {}
        if str(answer.get("code") or 0) != "0":
            said = next((text for key in ("message", "data") if isinstance(text := answer.get(key), str)), "")
            text = " ".join(part for part in (f"code {answer['code']}", said) if part)
            raise self.client.error(CrmErrorCode.VALIDATION, f"{method} {url}: {text}", status=200)
        return answer.get("data")

    async def _records(self, url: str, params: Record) -> list[Record]:
        """One page of a list."""
        page = await self._data("GET", url, params=params) or []
        if not isinstance(page, list):
            raise self.client.error(CrmErrorCode.UPSTREAM, f"GET {url}: the answer is no list", status=200)
        return page

    async def _list(self, object_id: int, **params: Any) -> list[Record]:
        """All pages of a list."""
        found: list[Record] = []
        while True:
            place = {"objectID": object_id, "start": len(found), "range": PAGE_SIZE}
            page = await self._records("/objects", place | params)
            found += page
            if len(page) < PAGE_SIZE:
                return found

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        limit = min(query.limit, PAGE_SIZE)
        start = int(query.cursor) if query.cursor else query.offset or 0
        conditions = {await self.vendor_name(name): value for name, value in query.filters.items()}
        if query.email is not None:
            conditions["email"] = query.email.strip()
        params: dict[str, Any] = {"objectID": CONTACT, "start": start, "range": limit, "sort": "id"}
        if query.order_by:
            name, _, direction = query.order_by.partition(" ")
            params["sort"] = await self.vendor_name(name)
            params["sortDir"] = "desc" if direction.strip().lower() == "desc" else "asc"
        if conditions:
            params["condition"] = _condition(conditions)
        if query.tag_id is not None:
            params["tag_id"] = (await self.find_tag(query.tag_id)).id
        records = await self._records("/objects/tag" if query.tag_id is not None else "/objects", params)
        more = len(records) == limit
        return ContactPage(
            contacts=[await self.normalize(record) for record in records],
            next_cursor=str(start + limit) if more else None,
            has_more=more,
        )

    async def saved_search(self, search_id: str) -> list[Contact]:
        """The members of a group, as Ontraport calls a saved search."""
        # Nothing says how the list answers an unknown group: it must not be with every contact.
        group = await self._data("GET", "/object", params={"objectID": GROUP, "id": search_id})
        if not isinstance(group, Mapping) or not group:
            raise self.client.error(CrmErrorCode.NOT_FOUND, f"group {search_id!r} not found", status=404)
        records = await self._list(CONTACT, sort="id", group_id=search_id)
        return [await self.normalize(record) for record in records]

    async def fetch(self, contact_id: str) -> Record:
        record = await self._data("GET", "/object", params={"objectID": CONTACT, "id": contact_id})
        if not isinstance(record, Mapping) or not record.get("id"):
            raise self.client.error(CrmErrorCode.NOT_FOUND, f"contact {contact_id!r} not found", status=404)
        return record

    async def delete_contact(self, contact_id: str) -> None:
        # Never DELETE /objects: without ids it deletes the whole collection.
        await self._data("DELETE", "/object", params={"objectID": CONTACT, "id": contact_id})

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        values = {ATTRIBUTES[name]: value for name, value in attributes.items()} | dict(custom)
        if values:
            await self._data("PUT", "/objects", json={"objectID": CONTACT, "id": contact_id, **values})

    async def insert(self, attributes: Record, custom: Record) -> str:
        values = {ATTRIBUTES[name]: value for name, value in attributes.items()} | dict(custom)
        data = await self._data(
            "POST", "/objects/saveorupdate", json={"objectID": CONTACT, **values}, repeatable="email" in values
        )
        # A new contact is answered as a record, an existing one as its changed attributes.
        return self._id_of(at(data, "attrs") or data)

    def _id_of(self, data: Any, *keys: str) -> str:
        """The id of what was saved. Raises UPSTREAM where the answer has none."""
        found = next((value for key in (*keys, "id") if (value := at(data, key))), None)
        if found is None:
            raise self.client.error(CrmErrorCode.UPSTREAM, "the answer does not say what was saved", status=200)
        return str(found)

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
        data = await self._data("GET", "/objects/meta", params={"objectID": CONTACT, "format": "byId"})
        fields: Mapping[str, Record] = (data.get(str(CONTACT)) or {}).get("fields") or {}
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
            for tag in await self._list(TAG)
            if str(tag.get("object_type_id") or CONTACT) == str(CONTACT)
        ]

    async def make_tag(self, name: str) -> Tag:
        body = {"objectID": TAG, "tag_name": name, "object_type_id": CONTACT}
        data = await self._data("POST", "/objects", json=body)
        return Tag(id=self._id_of(data, "tag_id"), name=name)

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
        await self._data("PUT", "/objects/tag", form=form)

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self._known(contact_id)
        params = {"objectID": CONTACT, "ids": contact_id, "remove_list": tag.id}
        await self._data("DELETE", "/objects/tag", params=params)

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
        await self._data("PUT", "/objects/subscribe", form=form, repeatable=False)

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
        data = await self._data("PUT", "/objects", json=body)
        self._forget(contact_id)
        written = data.get("attrs") if isinstance(data, Mapping) else None
        if str((written or {}).get("bulk_mail", state)) != str(state):
            raise self.client.error(CrmErrorCode.PARTIAL, "Ontraport kept the consent as it was", status=200)

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        await self._known(contact_id)
        text = "\n\n".join(part for part in (title, body) if part)
        data = await self._data("POST", "/objects", json={"objectID": NOTE, "contact_id": contact_id, "data": text})
        return str((data or {}).get("id") or "")

    # deals and transactions -------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals whose primary contact it is."""
        return self._timed(
            await self._list(DEAL, sort="id", condition=_condition({"primary_contact": contact_id})), "date"
        )

    async def transactions(self, contact_id: str) -> list[Record]:
        """The transactions of the contact; one whose status is paid (1) counts as paid in full."""
        condition = _condition({"contact_id": contact_id})
        records = self._timed(await self._list(TRANSACTION, sort="id", condition=condition), "date")
        return [
            {**record, "paid": record.get("total") if str(record.get("status")) == "1" else 0} for record in records
        ]

    def _timed(self, records: list[Record], key: str) -> list[Record]:
        instants = [self.instant(record.get(key)) for record in records]
        return [
            {**record, "created": instant.isoformat().replace("+00:00", "Z") if instant else None}
            for record, instant in zip(records, instants, strict=True)
        ]

    async def list_opportunities(self, contact_id: str, stage_id: str | None = None) -> list[Opportunity]:
        return [
            Opportunity(
                id=str(deal["id"]), contact_id=contact_id, stage_id=str(deal.get("sales_stage") or ""),
                created_at=deal["created"],
            )
            for deal in await self.deals(contact_id)
            if stage_id is None or str(deal.get("sales_stage")) == stage_id
        ]  # fmt: skip

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        body = {"objectID": DEAL, "id": opportunity_id, "sales_stage": stage_id}
        await self._data("PUT", "/objects", json=body)

    async def test_connection(self) -> None:
        await self._data("GET", "/objects/getInfo", params={"objectID": CONTACT})


def _condition(values: Mapping[str, str]) -> str:
    """The JSON of an AND of equalities; never pasted together as text."""
    parts: list[Any] = []
    for name, value in values.items():
        if parts:
            parts.append("AND")
        parts.append({"field": {"field": name}, "op": "=", "value": {"value": value}})
    return json.dumps(parts)


def _options(field: Record) -> dict[str, str]:
    options = field.get("options")
    return {str(key): str(label) for key, label in options.items()} if isinstance(options, Mapping) else {}
