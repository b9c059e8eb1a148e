"""HubSpot: contacts and properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helpers.crm.client import path
from helpers.crm.errors import CrmErrorCode, NotFound
from helpers.crm.fields import VendorField
from helpers.crm.hubspot.lists import HubSpotLists
from helpers.crm.hubspot.search import BY_ID, RESULTS_PER_SEARCH, Position, sort_by
from helpers.crm.hubspot.vocabulary import (
    ATTRIBUTES,
    CONTACTS,
    EMAIL_FACTS,
    PAGE_SIZE,
    PROPERTIES_IN_URL_CHARACTERS,
    VERSION,
)
from helpers.crm.models import Contact, ContactPage, ContactQuery
from helpers.crm.paths import Record, at
from helpers.rules.fields import is_pseudo
from helpers.rules.text import to_text


class HubSpotConnector(HubSpotLists):
    """One portal. ``settings``: ``subscription_type_ids`` are what an opt-in subscribes to."""

    platform = "hubspot"
    platform_name = "HubSpot"
    api_version = VERSION
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals")
    attributes = ATTRIBUTES
    created_key = "createdAt"
    updated_key = "updatedAt"

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        """A list's members, a search, or the plain list; a search shows writes some seconds later."""
        query = query or ContactQuery()
        if query.tag_id is not None:
            return await self.members((await self.find_tag(query.tag_id)).id, query)
        if query.email is not None or query.filters or query.order_by:
            return await self._search(query)
        names = await self._names_in_url()
        answer = await self.client.get(
            CONTACTS, limit=min(query.limit, PAGE_SIZE), after=query.cursor, properties=names
        )
        records: Sequence[Record] = self.rows(answer)
        if names is None:
            records = await self.read([str(record["id"]) for record in records])
        return await self.page(records, at(answer, "paging.next.after"), None, brief=query.brief)

    async def _search(self, query: ContactQuery) -> ContactPage:
        position = Position.parse(query.cursor)
        if not position.within_search:
            raise self.client.error(
                CrmErrorCode.VALIDATION,
                f"HubSpot orders {RESULTS_PER_SEARCH} results at most: leave order_by out, or ask for fewer contacts",
                status=400,
            )
        name, descending = query.order
        sort = sort_by(await self.fields.vendor_name(name), descending=descending) if name else BY_ID
        body = position.body(await self.wanted(query), await self._property_names(), query.limit, sort)
        answer = await self.search(CONTACTS, body)
        total = None if position.above else answer.get("total")
        return await self.page(self.rows(answer), position.next(answer, by_id=not name), total, brief=query.brief)

    async def wanted(self, query: ContactQuery) -> dict[str, str]:
        wanted = {await self.fields.vendor_name(name): value for name, value in query.filters.items()}
        return wanted | ({"email": query.email.strip()} if query.email is not None else {})

    async def page(
        self, records: Sequence[Record], cursor: str | None, total: int | None, *, brief: bool
    ) -> ContactPage:
        contacts = [await self.normalize({**record, "lists": []} if brief else record) for record in records]
        return ContactPage(contacts=contacts, total=total, next_cursor=cursor or None, has_more=bool(cursor))

    async def read(self, ids: Sequence[str]) -> list[Record]:
        found: dict[str, Record] = {}
        for start in range(0, len(ids), PAGE_SIZE):
            body = {
                "properties": await self._property_names(),
                "inputs": [{"id": contact_id} for contact_id in ids[start : start + PAGE_SIZE]],
            }
            answer = await self.client.call("POST", f"{CONTACTS}/batch/read", json=body, repeatable=True)
            found |= {str(record["id"]): record for record in self.rows(answer)}
        return [found[contact_id] for contact_id in ids if contact_id in found]

    async def fetch(self, contact_id: str) -> Record:
        names = await self._names_in_url()
        if names is not None:
            record: Record = await self.client.get(path(CONTACTS + "/{id}", id=contact_id), properties=names)
            self.client.required(record, "id")
            return record
        records = await self.read([contact_id])
        if not records:
            raise NotFound(self.slug, "contact", contact_id)
        return records[0]

    async def normalize(self, record: Record) -> Contact:
        # Only a whole contact needs its lists, which cost a call of their own.
        return await super().normalize(record if "lists" in record else await self.with_lists(record))

    async def delete_contact(self, contact_id: str) -> None:
        await self.client.call("DELETE", path(CONTACTS + "/{id}", id=contact_id))

    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        properties = _properties(attributes, custom)
        if properties:
            url = path(CONTACTS + "/{id}", id=contact_id)
            await self.client.call("PATCH", url, json={"properties": properties})

    async def insert(self, attributes: Record, custom: Record) -> str:
        properties = _properties(attributes, custom)
        email = properties.get("email")
        if not email:
            made = await self.client.call("POST", CONTACTS, json={"properties": properties})
            return str(self.client.required(made, "id"))
        body = {"inputs": [{"id": email, "idProperty": "email", "properties": properties}]}
        answer = self.whole(await self.client.call("POST", f"{CONTACTS}/batch/upsert", json=body, repeatable=True))
        if not self.rows(answer):
            raise self.client.error(CrmErrorCode.PARTIAL, "the contact was not written", status=207)
        return str(self.client.required(answer, "results.0.id"))

    async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
        """A company is written as text and attached as the company record of that name (spec contact company_link)."""
        await super().set_field_value(contact_id, field_key, value)
        company = to_text(value).strip()
        if company and not is_pseudo(field_key) and (await self._find_writable(field_key))[0] == "company":
            await self.link_company(contact_id, company)

    # properties -----------------------------------------------------------------------------------------
    def attribute(self, record: Record, name: str) -> Any:
        return at(record, f"properties.{ATTRIBUTES[name]}")

    def custom_values(self, record: Record) -> Record:
        mapped = set(ATTRIBUTES.values())
        properties = self.client.record(record, "properties") or {}
        return {name: value for name, value in properties.items() if name not in mapped and value is not None}

    async def unknown_field(self, contact_id: str, key: str) -> Any:
        """LastSentDate and the like, which are no fields of a portal: what HubSpot counts for its marketing e-mails."""
        name = EMAIL_FACTS.get(key)
        return None if name is None else at(await self._record(contact_id), f"properties.{name}")

    async def _property_names(self) -> list[str]:
        return [
            *ATTRIBUTES.values(),
            *(field.id for field in await self.fields.known() if field.id not in ATTRIBUTES.values()),
        ]

    async def _names_in_url(self) -> str | None:
        """The property names as a GET takes them; None when they are too many for an URL and go in a body instead."""
        names = ",".join(await self._property_names())
        return names if len(names) <= PROPERTIES_IN_URL_CHARACTERS else None

    async def load_fields(self) -> list[VendorField]:
        answer = await self.client.get(f"/crm/properties/{VERSION}/contacts")
        return [
            VendorField(
                id=field["name"],
                key=field["name"],
                label=field.get("label") or "",
                field_type=_type(field),
                group_name=field.get("groupName") or "",
                options=[str(option["label"]) for option in field.get("options") or []],
                option_labels={str(option["value"]): str(option["label"]) for option in field.get("options") or []},
                read_only=bool(at(field, "modificationMetadata.readOnlyValue") or field.get("calculated")),
            )
            for field in self.rows(answer, identifier="name")
        ]


def _type(field: Record) -> str:
    """Dates and booleans by what they hold, all else by how it is chosen."""
    return str(field["type"] if field.get("type") in ("date", "datetime", "bool") else field.get("fieldType") or "")


def _properties(attributes: Record, custom: Record) -> dict[str, Any]:
    named = {ATTRIBUTES[name]: value for name, value in attributes.items()} | dict(custom)
    return {name: "" if value is None else value for name, value in named.items()}
