"""GoHighLevel: one location (sub-account)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from helpers.crm.client import path
from helpers.crm.errors import CrmErrorCode, NotFound
from helpers.crm.fields import VendorField
from helpers.crm.gohighlevel.vocabulary import (
    ATTRIBUTES,
    DIALECT,
    OPPORTUNITIES,
    ORDERS,
    PAGE_SIZE,
    SEARCH_PAGE_SIZE,
    VALUES,
)
from helpers.crm.models import ContactPage, ContactQuery, Tag
from helpers.crm.paging import all_pages
from helpers.crm.paths import Record, at
from helpers.crm.related import RecordShape
from helpers.crm.vendor import VendorConnector


class GoHighLevelConnector(VendorConnector):
    """``account_id`` is the location id, which nearly every call needs."""

    platform = "gohighlevel"
    platform_name = "GoHighLevel"
    api_version = "2021-07-28"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "webhooks")
    dialect = DIALECT
    values = VALUES
    attributes = ATTRIBUTES
    created_key = "dateAdded"
    updated_key = "dateUpdated"
    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {
        "invoice": ("orders", ORDERS),
        "job": ("orders", ORDERS),
        "lead": ("deals", OPPORTUNITIES),
    }

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        if query.email is not None and query.tag_id is None:
            found = await self._by_email(query.email)
            return ContactPage(contacts=[await self.normalize(found)] if found else [], total=1 if found else 0)
        limit = min(query.limit, SEARCH_PAGE_SIZE)
        filters = [{"field": field, "operator": "eq", "value": value} for field, value in query.filters.items()]
        tag = None if query.tag_id is None else (await self.find_tag(query.tag_id)).name
        if tag is not None:
            filters.append({"field": "tags", "operator": "contains", "value": tag})
        body: dict[str, Any] = {"locationId": self.account_id, "pageLimit": limit, "filters": filters}
        position = self._position(query.cursor)
        body["page" if isinstance(position, int) else "searchAfter"] = position
        answer = await self.client.call("POST", "/contacts/search", json=body, repeatable=True)
        records = self.client.records(answer, "contacts")
        after = self._next(records[-1], position) if len(records) == limit else None
        chosen = [record for record in records if _fits(record, query.email, tag)]
        return ContactPage(
            contacts=[await self.normalize(record) for record in chosen],
            total=answer.get("total"),
            next_cursor=json.dumps(after) if after else None,
            has_more=bool(after),
        )

    def _position(self, cursor: str | None) -> Any:
        """A page number, or the searchAfter of the last contact."""
        if not cursor:
            return 1
        try:
            return json.loads(cursor)
        except ValueError:
            raise self.client.error(
                CrmErrorCode.VALIDATION, "the cursor is not one of GoHighLevel", status=400
            ) from None

    def _next(self, last: Record, position: Any) -> Any:
        # Pages end at 10 000 contacts, so they are for answers without searchAfter only.
        return last.get("searchAfter") or (position + 1 if isinstance(position, int) else None)

    async def _by_email(self, email: str) -> Record | None:
        answer = await self.client.get("/contacts/search/duplicate", locationId=self.account_id, email=email.strip())
        return self.client.record(answer, "contact")

    async def delete_contact(self, contact_id: str) -> None:
        answer = await self.client.call("DELETE", path("/contacts/{id}", id=contact_id))
        self._succeeded(answer, f"contact {contact_id} was not deleted")

    async def fetch(self, contact_id: str) -> Record:
        record = self.client.record(await self.client.get(path("/contacts/{id}", id=contact_id)), "contact")
        if record is None:
            raise NotFound(self.slug, "contact", contact_id)
        return record

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        body = self._body(attributes, custom)
        if body:
            answer = await self.client.call("PUT", path("/contacts/{id}", id=contact_id), json=body)
            self._succeeded(answer, f"contact {contact_id} was not updated")

    async def insert(self, attributes: Record, custom: Record) -> str:
        body = {"locationId": self.account_id, **self._body(attributes, custom)}
        answer = await self.client.call("POST", "/contacts/upsert", json=body, repeatable=True)
        return str(self.client.required(answer, "contact.id"))

    def _body(self, attributes: Record, custom: Record) -> dict[str, Any]:
        # Never tags: they would replace all tags of the contact.
        body: dict[str, Any] = {ATTRIBUTES[name]: value for name, value in attributes.items()}
        if custom:
            body["customFields"] = [{"id": key, "field_value": value} for key, value in custom.items()]
        return body

    # fields and tags --------------------------------------------------------------------------------------
    async def get_field_value(self, contact_id: str, field_key: str) -> Any:
        return await super().get_field_value(contact_id, field_key.removeprefix("contact."))

    async def set_field_values(self, contact_id: str, values: Mapping[str, Any]) -> None:
        await super().set_field_values(contact_id, {key.removeprefix("contact."): v for key, v in values.items()})

    def custom_values(self, record: Record) -> Record:
        return {str(entry["id"]): entry.get("value") for entry in self.client.records(record, "customFields")}

    async def load_fields(self) -> list[VendorField]:
        url = path("/locations/{location}/customFields", location=self.account_id)
        return [
            VendorField(
                id=str(field["id"]),
                key=str(field.get("fieldKey") or "").removeprefix("contact."),
                label=field.get("name") or "",
                field_type=field.get("dataType") or "",
                options=[str(option) for option in field.get("picklistOptions") or []],
            )
            for field in self.client.records(await self.client.get(url, model="contact"), "customFields")
        ]

    def tag_ids(self, record: Record) -> list[str]:
        return self.client.texts(record, "tags")

    def record_tags(self, record: Record, definitions: Sequence[Tag]) -> list[Tag]:
        """A contact holds tag names; stored helper configs hold ids."""
        known = {tag.name.casefold(): tag for tag in definitions}
        return [known.get(name.casefold(), Tag(id=name, name=name)) for name in self.tag_ids(record)]

    async def load_tags(self) -> list[Tag]:
        answer = await self.client.get(path("/locations/{location}/tags", location=self.account_id))
        return [Tag(id=tag["id"], name=tag.get("name")) for tag in self.client.records(answer, "tags")]

    async def make_tag(self, name: str) -> Tag:
        url = path("/locations/{location}/tags", location=self.account_id)
        made = await self.client.call("POST", url, json={"name": name})
        return Tag(id=self.client.required(made, "tag.id"), name=at(made, "tag.name") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        url = path("/contacts/{id}/tags", id=contact_id)
        await self.client.call("POST", url, json={"tags": [tag.name]}, repeatable=True)

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self.client.call("DELETE", path("/contacts/{id}/tags", id=contact_id), json={"tags": [tag.name]})

    # automation -----------------------------------------------------------------------------------------
    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        url = path("/contacts/{id}/workflow/{workflow}", id=contact_id, workflow=automation_id)
        self._succeeded(await self.client.call("POST", url, json={}), f"workflow {automation_id} was not started")

    async def set_opt_in_status(
        self, contact_id: str, opt_in: bool, reason: str = "", *, email: str | None = None
    ) -> None:
        """The status is do-not-disturb: active blocks the contact. It holds for the contact, not for an address."""
        if opt_in:
            current = await self.fetch(contact_id)
            if at(current, "dndSettings.Email.status") == "permanent":
                raise self.client.error(
                    CrmErrorCode.CONFLICT,
                    "GoHighLevel itself has blocked the address; an opt-in cannot lift that",
                    status=409,
                )
            if current.get("dnd") is True:
                raise self.client.error(
                    CrmErrorCode.CONFLICT,
                    "do-not-disturb blocks every channel of the contact: switch it off in GoHighLevel first",
                    status=409,
                )
        setting = {"status": "inactive" if opt_in else "active", "message": reason, "code": ""}
        url = path("/contacts/{id}", id=contact_id)
        answer = await self.client.call("PUT", url, json={"dndSettings": {"Email": setting}})
        self._forget(contact_id)
        self._succeeded(answer, f"the consent of contact {contact_id} was not changed")

    async def create_note(self, contact_id: str, title: str, body: str, note_type: str = "general") -> str:
        url = path("/contacts/{id}/notes", id=contact_id)
        answer = await self.client.call("POST", url, json={"title": title, "body": body})
        return str(at(answer, "note.id") or "")

    def _succeeded(self, answer: Record, failure: str) -> None:
        # The vendor spells it succeded; newer answers spell it right.
        if answer.get("succeded", answer.get("succeeded", True)) is False:
            raise self.client.error(CrmErrorCode.PARTIAL, failure, status=200)

    # deals ----------------------------------------------------------------------------------------------
    async def deals(self, contact_id: str) -> list[Record]:
        """The opportunities of the contact, all pages."""

        async def page(offset: int) -> list[dict[str, Any]]:
            answer = await self.client.get(
                "/opportunities/search", location_id=self.account_id, contact_id=contact_id,
                limit=PAGE_SIZE, page=offset // PAGE_SIZE + 1,
            )  # fmt: skip
            return self.client.records(answer, "opportunities")

        return list(await all_pages(page, PAGE_SIZE))

    async def update_opportunity_stage(self, opportunity_id: str, stage_id: str) -> None:
        url = path("/opportunities/{id}", id=opportunity_id)
        await self.client.call("PUT", url, json={"pipelineStageId": stage_id})

    async def orders(self, contact_id: str) -> list[Record]:
        """The orders of the contact, all pages; a paid order counts as paid in full."""

        async def page(offset: int) -> list[dict[str, Any]]:
            answer = await self.client.get(
                "/payments/orders", altId=self.account_id, altType="location", contactId=contact_id,
                limit=PAGE_SIZE, offset=offset,
            )  # fmt: skip
            return self.client.records(answer, "data", identifier="_id")

        return [
            {**order, "paid": order.get("amount") if order.get("paymentStatus") == "paid" else 0}
            for order in await all_pages(page, PAGE_SIZE)
        ]

    async def test_connection(self) -> None:
        await self.client.get(path("/locations/{location}", location=self.account_id))


def _fits(record: Record, email: str | None, tag: str | None) -> bool:
    tags = [str(name).casefold() for name in record.get("tags") or []]
    return (email is None or str(record.get("email") or "").casefold() == email.strip().casefold()) and (
        tag is None or tag.casefold() in tags
    )
