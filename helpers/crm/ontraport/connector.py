"""Ontraport: one generic object API; an answer's ``code`` other than 0 is a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from helpers.crm.errors import CrmErrorCode
from helpers.crm.models import ContactPage, ContactQuery, Opportunity, Tag
from helpers.crm.ontraport.vocabulary import (
    ATTRIBUTES,
    CONTACT,
    DEAL,
    DEALS,
    DIALECT,
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
from helpers.crm.paths import Record
from helpers.crm.related import RecordShape
from helpers.crm.vendor import VendorConnector, VendorField

_CUSTOM = re.compile(r"f\d+")


class OntraportConnector(VendorConnector):
    """One account. ``settings``: ``automation_type`` is Campaign (the default) or Sequence."""

    platform = "ontraport"
    platform_name = "Ontraport"
    api_version = "1"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals", "notes")
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
        answer = await self.client.call(method, url, repeatable=repeatable, **parts)
        if not isinstance(answer, Mapping):
            raise self.client.error(CrmErrorCode.UPSTREAM, f"{method} {url}: unexpected answer", status=200)
        if str(answer.get("code", 0)) != "0":
            raise self.client.error(CrmErrorCode.VALIDATION, f"{method} {url}: code {answer['code']}", status=200)
        return answer.get("data")

    async def _list(self, object_id: int, url: str = "/objects", **params: Any) -> list[Record]:
        """All pages of a list."""
        found: list[Record] = []
        while True:
            page = await self._data(
                "GET", url, params={"objectID": object_id, "start": len(found), "range": PAGE_SIZE, **params}
            )
            found += page or []
            if len(page or []) < PAGE_SIZE:
                return found

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        limit = min(query.limit, PAGE_SIZE)
        start = int(query.cursor) if query.cursor else query.offset or 0
        conditions = dict(query.filters)
        if query.email is not None:
            conditions["email"] = query.email.strip()
        params: dict[str, Any] = {"objectID": CONTACT, "start": start, "range": limit, "sort": "id"}
        if conditions:
            params["condition"] = _condition(conditions)
        if query.tag_id is not None:
            params["tag_id"] = (await self.find_tag(query.tag_id)).id
        records = (
            await self._data("GET", "/objects/tag" if query.tag_id is not None else "/objects", params=params) or []
        )
        more = len(records) == limit
        return ContactPage(
            contacts=[await self.normalize(record) for record in records],
            next_cursor=str(start + limit) if more else None,
            has_more=more,
        )

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
        return str((data.get("attrs") or data)["id"])

    def instant(self, value: Any) -> Any:
        return datetime.fromtimestamp(int(value), UTC) if str(value or "").isdecimal() and int(value) else None

    # fields ---------------------------------------------------------------------------------------------
    def custom_values(self, record: Record) -> Record:
        return {key: value for key, value in record.items() if _CUSTOM.fullmatch(key)}

    async def unknown_field(self, contact_id: str, key: str) -> Any:
        """Attributes that are neither mapped nor custom (home_phone, ...) are read as they are."""
        return (await self._record(contact_id)).get(key)

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
            if _CUSTOM.fullmatch(name)
        ]

    # tags -----------------------------------------------------------------------------------------------
    def tag_ids(self, record: Record) -> list[str]:
        return [part for part in str(record.get("contact_cat") or "").split("*/*") if part]

    async def load_tags(self) -> list[Tag]:
        return [Tag(id=tag["tag_id"], name=tag.get("tag_name")) for tag in await self._list(TAG)]

    async def make_tag(self, name: str) -> Tag:
        body = {"objectID": TAG, "tag_name": name, "object_type_id": CONTACT}
        data = await self._data("POST", "/objects", json=body)
        return Tag(id=data.get("tag_id") or data.get("id"), name=name)

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
        await self._data("PUT", "/objects/subscribe", form=form)

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """bulk_mail 1 = opted in, 0 = transactional mail only; a hard bounce stays one."""
        current = str((await self.fetch(contact_id)).get("bulk_mail") or "")
        if opt_in and current == HARD_BOUNCE:
            raise self.client.error(
                CrmErrorCode.CONFLICT, "the address bounces: Ontraport keeps it blocked", status=409
            )
        state = OPTED_IN if opt_in else OPTED_OUT
        await self._data("PUT", "/objects", json={"objectID": CONTACT, "id": contact_id, "bulk_mail": state})
        self._forget(contact_id)

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        await self._known(contact_id)
        text = "\n\n".join(part for part in (title, body) if part)
        data = await self._data("POST", "/objects", json={"objectID": NOTE, "contact_id": contact_id, "data": text})
        return str((data or {}).get("id") or "")

    # deals and transactions -------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The deals whose primary contact it is."""
        return self._timed(await self._list(DEAL, condition=_condition({"primary_contact": contact_id})), "date")

    async def transactions(self, contact_id: str) -> list[Record]:
        """The transactions of the contact; one whose status is paid (1) counts as paid in full."""
        records = self._timed(await self._list(TRANSACTION, condition=_condition({"contact_id": contact_id})), "date")
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
