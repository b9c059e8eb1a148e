"""Keap: contacts, fields and tags."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

from helpers.crm.client import path
from helpers.crm.errors import CrmErrorCode
from helpers.crm.fields import VendorField
from helpers.crm.keap.exports import KeapExports
from helpers.crm.keap.patch import contact_body, needs_record
from helpers.crm.keap.vocabulary import (
    ALIASES,
    ATTRIBUTES,
    CONTACT_FIELDS,
    IDS_PER_FILTER,
    SLOTS,
)
from helpers.crm.models import ContactPage, ContactQuery, Tag
from helpers.crm.paths import Record


class KeapConnector(KeapExports):
    """One Keap application."""

    platform = "keap"
    platform_name = "Keap (Infusionsoft)"
    api_version = "v2"
    capabilities = ("contacts", "tags", "custom_fields", "automations", "goals", "deals", "emails")
    attributes = ATTRIBUTES
    aliases = ALIASES
    created_key = "create_time"
    updated_key = "update_time"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        if query.tag_id is not None:
            return await self._tagged(query)
        conditions = dict(query.filters)
        if query.email is not None:
            conditions["email"] = query.email.strip()
        answer = await self.client.get(
            "/contacts",
            filter=";".join(f"{name}=={value}" for name, value in conditions.items()) or None,
            page_size=query.limit,
            page_token=query.cursor,
            order_by=query.order_by,
            fields=CONTACT_FIELDS,
        )
        found = self.client.records(answer, "contacts")
        if query.email is not None:
            # A trailing * would have matched the beginning of other addresses, a ; have begun another condition.
            found = [record for record in found if self._has_address(record, query.email)]
        return await self._page(answer, found)

    def _has_address(self, record: Record, email: str) -> bool:
        wanted = email.strip().casefold()
        addresses = self.client.records(record, "email_addresses", identifier="")
        return any(str(entry.get("email")).casefold() == wanted for entry in addresses)

    async def _tagged(self, query: ContactQuery) -> ContactPage:
        tag = await self.find_tag(query.tag_id or "")
        answer = await self.client.get(
            path("/tags/{tag}/contacts", tag=tag.id),
            filter=f"email=={query.email.strip()}" if query.email is not None else None,
            page_size=query.limit,
            page_token=query.cursor,
            order_by="applied_time asc",
        )
        short = self.client.records(answer, "contacts")
        if query.brief:
            return await self._page(answer, [_from_short(contact) for contact in short])
        # The list has short records only; the full ones come by id, in the order of the list.
        ids = [str(contact["id"]) for contact in short]
        found: dict[str, Record] = {}
        for start in range(0, len(ids), IDS_PER_FILTER):
            batch = ids[start : start + IDS_PER_FILTER]
            full = await self.client.get(
                "/contacts", filter=f"ids=={','.join(batch)}", page_size=len(batch), fields=CONTACT_FIELDS
            )
            found |= {str(contact["id"]): contact for contact in self.client.records(full, "contacts")}
        return await self._page(answer, [found[contact_id] for contact_id in ids if contact_id in found])

    async def _page(self, answer: Record, records: Sequence[Record]) -> ContactPage:
        cursor = answer.get("next_page_token") or None
        return ContactPage(
            contacts=[await self.normalize(record) for record in records], next_cursor=cursor, has_more=bool(cursor)
        )

    async def delete_contact(self, contact_id: str) -> None:
        await self.client.call("DELETE", path("/contacts/{id}", id=contact_id))

    async def fetch(self, contact_id: str) -> Record:
        record = await self.client.get(path("/contacts/{id}", id=contact_id), fields=CONTACT_FIELDS)
        for array in {slot[0] for slot in SLOTS.values()}:
            self.client.records(record, array, identifier="")
        return record

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        # Reading, merging and writing arrays is not atomic at Keap: one writer per contact in this process.
        lock = self._writing.setdefault(contact_id, asyncio.Lock())
        async with lock:
            current = await self.fetch(contact_id) if needs_record(attributes, custom) else {}
            body = contact_body(attributes, custom, current)
            if "company" in attributes:
                body["company"] = await self._company(attributes["company"])
            if body:
                await self.client.call(
                    "PATCH", path("/contacts/{id}", id=contact_id), params={"update_mask": list(body)}, json=body
                )

    async def insert(self, attributes: Record, custom: Record) -> str:
        body = contact_body(attributes, custom, {})
        if attributes.get("company"):
            body["company"] = await self._company(attributes["company"])
        if not any(body.get(key) for key in ("email_addresses", "phone_numbers", "addresses")):
            raise self.client.error(
                CrmErrorCode.VALIDATION, "a Keap contact needs an e-mail, a phone or an address", status=400
            )
        if attributes.get("email"):
            # A match would lose its other addresses and custom fields to the arrays of this body: update it instead.
            page = await self.get_contacts(ContactQuery(email=str(attributes["email"]), limit=10, brief=True))
            if page.contacts:
                # The address is one of the contact's, perhaps not the first one: it stays where it is.
                others = {name: value for name, value in attributes.items() if name != "email"}
                await self.write(page.contacts[0].id, others, custom)
                return page.contacts[0].id
        created = await self.client.call(
            "POST", "/contacts", params={"duplicate_option": "Email"}, json=body, repeatable="email" in attributes
        )
        return str(self.client.required(created, "id"))

    async def _company(self, name: str) -> dict[str, str]:
        """The company of that name, made where there is none: a contact links to a company, it has no name of it."""
        if not name:
            return {}
        answer = await self.client.get("/companies", filter=f"company_name=={name}", page_size=10)
        wanted = name.strip().casefold()
        for company in self.client.records(answer, "companies"):
            if str(company.get("company_name")).strip().casefold() == wanted:
                return {"id": str(company["id"])}
        made = await self.client.call("POST", "/companies", json={"company_name": name})
        return {"id": str(self.client.required(made, "id"))}

    # fields ---------------------------------------------------------------------------------------------
    def attribute(self, record: Record, name: str) -> Any:
        if name not in SLOTS:
            return super().attribute(record, name)
        array, slot, key = SLOTS[name]
        entries = self.client.records(record, array, identifier="")
        return next((entry.get(key) for entry in entries if entry.get("field") == slot), None)

    def custom_values(self, record: Record) -> Record:
        return {str(entry["id"]): entry.get("content") for entry in self.client.records(record, "custom_fields")}

    async def load_fields(self) -> list[VendorField]:
        model = await self.client.get("/contacts/model")
        return [
            VendorField(
                id=str(field["id"]),
                key=field.get("field_name") or "",
                label=field.get("label") or "",
                field_type=field.get("field_type") or "",
                group_name=field.get("group_name") or "",
                options=[str(option.get("label") or "") for option in field.get("options") or []],
                default_value=field.get("default_value"),
            )
            for field in self.client.records(model, "custom_fields")
        ]

    # tags -----------------------------------------------------------------------------------------------
    def tag_ids(self, record: Record) -> list[str]:
        return self.client.texts(record, "tag_ids")

    async def load_tags(self) -> list[Tag]:
        categories = {
            str(category["id"]): category.get("name") or ""
            async for page in self.pages("/tags/categories", "tag_categories", "categories")
            for category in page
        }
        return [
            Tag(
                id=tag["id"],
                name=tag.get("name"),
                description=tag.get("description"),
                category=categories.get(str((tag.get("category") or {}).get("id")), ""),
            )
            async for page in self.pages("/tags", "tags")
            for tag in page
        ]

    async def make_tag(self, name: str) -> Tag:
        made = await self.client.call("POST", "/tags", json={"name": name})
        return Tag(id=self.client.required(made, "id"), name=made.get("name") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        answer = await self.client.call(
            "POST",
            path("/tags/{tag}/contacts:applyTags", tag=tag.id),
            json={"contact_ids": [contact_id]},
            repeatable=True,
        )
        self.check_result(answer, "results", contact_id, "tag was not applied")

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self.client.call(
            "POST",
            path("/tags/{tag}/contacts:removeTags", tag=tag.id),
            json={"contact_ids": [contact_id]},
            repeatable=True,
        )


def _from_short(contact: Record) -> Record:
    """A tag list's record in the form of a contact."""
    return {**contact, "email_addresses": [{"field": "EMAIL1", "email": contact.get("email")}]}
