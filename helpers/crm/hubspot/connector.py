"""HubSpot: contacts, properties, and static lists in the place of tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helpers.crm.client import path
from helpers.crm.errors import CrmErrorCode
from helpers.crm.hubspot.actions import HubSpotActions
from helpers.crm.hubspot.vocabulary import (
    ATTRIBUTES,
    CONTACT_TYPE,
    CONTACTS,
    LISTS_PAGE_SIZE,
    MEMBERS_PAGE_SIZE,
    PAGE_SIZE,
    SEARCH_PAGE_SIZE,
    STATIC_LISTS,
    VERSION,
)
from helpers.crm.models import ContactPage, ContactQuery, Tag
from helpers.crm.paths import Record, at
from helpers.crm.vendor import VendorField


class HubSpotConnector(HubSpotActions):
    """One portal. ``settings``: ``subscription_type_ids`` are what an opt-in subscribes to."""

    platform = "hubspot"
    platform_name = "HubSpot"
    api_version = VERSION
    capabilities = ("contacts", "tags", "custom_fields", "automations", "deals", "notes")
    attributes = ATTRIBUTES
    created_key = "createdAt"
    updated_key = "updatedAt"

    # contacts -------------------------------------------------------------------------------------------
    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        query = query or ContactQuery()
        if query.tag_id is not None:
            return await self._members(query)
        names = await self._property_names()
        if query.email is None and not query.filters:
            answer = await self.client.get(CONTACTS, limit=min(query.limit, PAGE_SIZE), after=query.cursor)
            ids = [str(record["id"]) for record in answer["results"]]
            return await self._page(await self._read(ids), at(answer, "paging.next.after"), None, brief=query.brief)
        wanted = {"email": query.email.strip()} if query.email is not None else {}
        filters = [
            {"propertyName": name, "operator": "EQ", "value": value}
            for name, value in {**query.filters, **wanted}.items()
        ]
        body = {
            "filterGroups": [{"filters": filters}], "properties": names, "limit": min(query.limit, SEARCH_PAGE_SIZE),
            "after": query.cursor or "0",
        }  # fmt: skip
        answer = await self.client.call("POST", f"{CONTACTS}/search", json=body, repeatable=True)
        return await self._page(
            answer["results"], at(answer, "paging.next.after"), answer.get("total"), brief=query.brief
        )

    async def _members(self, query: ContactQuery) -> ContactPage:
        tag = await self.find_tag(query.tag_id or "")
        answer = await self.client.get(
            path("/crm/lists/{version}/{id}/memberships", version=VERSION, id=tag.id),
            limit=min(query.limit, MEMBERS_PAGE_SIZE),
            after=query.cursor,
        )
        records = await self._read([str(member["recordId"]) for member in answer["results"]])
        if query.email is not None:
            wanted = query.email.strip().casefold()
            records = [r for r in records if str(at(r, "properties.email") or "").casefold() == wanted]
        return await self._page(records, at(answer, "paging.next.after"), answer.get("total"), brief=query.brief)

    async def _page(
        self, records: Sequence[Record], cursor: str | None, total: int | None, *, brief: bool
    ) -> ContactPage:
        whole = [{**record, "lists": []} if brief else await self._with_lists(record) for record in records]
        contacts = [await self.normalize(record) for record in whole]
        return ContactPage(contacts=contacts, total=total, next_cursor=cursor, has_more=cursor is not None)

    async def _read(self, ids: Sequence[str]) -> list[Record]:
        """Contacts by id with every property, in that order. A GET would carry the property names in its URL."""
        found: dict[str, Record] = {}
        for start in range(0, len(ids), PAGE_SIZE):
            body = {
                "properties": await self._property_names(),
                "inputs": [{"id": contact_id} for contact_id in ids[start : start + PAGE_SIZE]],
            }
            answer = await self.client.call("POST", f"{CONTACTS}/batch/read", json=body, repeatable=True)
            found |= {str(record["id"]): record for record in (answer or {}).get("results") or []}
        return [found[contact_id] for contact_id in ids if contact_id in found]

    async def fetch(self, contact_id: str) -> Record:
        records = await self._read([contact_id])
        if not records:
            raise self.client.error(CrmErrorCode.NOT_FOUND, f"contact {contact_id!r} not found", status=404)
        return await self._with_lists(records[0])

    async def _with_lists(self, record: Record) -> Record:
        url = path(
            "/crm/lists/{version}/records/{type}/{id}/memberships", version=VERSION, type=CONTACT_TYPE, id=record["id"]
        )
        lists = [str(entry["listId"]) for entry in (await self.client.get(url))["results"]]
        return {**record, "lists": lists}

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
            return str((await self.client.call("POST", CONTACTS, json={"properties": properties}))["id"])
        body = {"inputs": [{"id": email, "idProperty": "email", "properties": properties}]}
        answer = await self.client.call("POST", f"{CONTACTS}/batch/upsert", json=body, repeatable=True)
        if not answer.get("results"):
            raise self.client.error(CrmErrorCode.PARTIAL, "the contact was not written", status=207)
        return str(answer["results"][0]["id"])

    # properties -----------------------------------------------------------------------------------------
    def attribute(self, record: Record, name: str) -> Any:
        return at(record, f"properties.{ATTRIBUTES[name]}")

    def custom_values(self, record: Record) -> Record:
        mapped = set(ATTRIBUTES.values())
        properties: Record = record.get("properties") or {}
        return {name: value for name, value in properties.items() if name not in mapped and value is not None}

    async def _property_names(self) -> list[str]:
        return [
            *ATTRIBUTES.values(),
            *(field.id for field in await self._fields() if field.id not in ATTRIBUTES.values()),
        ]

    async def load_fields(self) -> list[VendorField]:
        answer = await self.client.get(f"/crm/properties/{VERSION}/contacts")
        return [
            VendorField(
                id=field["name"],
                key=field["name"],
                label=field.get("label") or "",
                field_type=field["type"]
                if field.get("type") in ("date", "datetime", "bool")
                else field.get("fieldType") or "",
                group_name=field.get("groupName") or "",
                options=[str(option["label"]) for option in field.get("options") or []],
                option_labels={str(option["value"]): str(option["label"]) for option in field.get("options") or []},
                read_only=bool(at(field, "modificationMetadata.readOnlyValue") or field.get("calculated")),
            )
            for field in answer["results"]
        ]

    # lists as tags --------------------------------------------------------------------------------------
    def tag_ids(self, record: Record) -> list[str]:
        return list(record["lists"])

    def record_tags(self, record: Record, definitions: Sequence[Tag]) -> list[Tag]:
        """Static lists only: dynamic ones are conditions, which nobody applied."""
        known = {tag.id: tag for tag in definitions}
        return [known[list_id] for list_id in self.tag_ids(record) if list_id in known]

    async def load_tags(self) -> list[Tag]:
        found: list[Tag] = []
        offset = 0
        while True:
            body = {
                "objectTypeId": CONTACT_TYPE,
                "processingTypes": list(STATIC_LISTS),
                "count": LISTS_PAGE_SIZE,
                "offset": offset,
            }
            answer = await self.client.call("POST", f"/crm/lists/{VERSION}/search", json=body, repeatable=True)
            found += [
                Tag(id=entry["listId"], name=entry.get("name"))
                for entry in answer["lists"]
                if entry.get("processingType") in STATIC_LISTS
            ]
            if not answer.get("hasMore"):
                return found
            offset = int(answer["offset"])

    async def make_tag(self, name: str) -> Tag:
        body = {"name": name, "objectTypeId": CONTACT_TYPE, "processingType": "MANUAL"}
        entry = (await self.client.call("POST", f"/crm/lists/{VERSION}", json=body))["list"]
        return Tag(id=entry["listId"], name=entry.get("name") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        await self._change_list(contact_id, tag, "add")

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self._change_list(contact_id, tag, "remove")

    async def _change_list(self, contact_id: str, tag: Tag, change: str) -> None:
        url = path("/crm/lists/{version}/{id}/memberships/{change}", version=VERSION, id=tag.id, change=change)
        answer = await self.client.call("PUT", url, json=[contact_id]) or {}
        # The first key is spelt with an extra s.
        lists = ("recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved", "recordsIdsRemoved")
        changed = {str(record_id) for key in lists for record_id in answer.get(key) or []}
        if contact_id not in changed and not await self._read([contact_id]):
            raise self.client.error(CrmErrorCode.NOT_FOUND, f"contact {contact_id!r} not found", status=404)


def _type(field: Record) -> str:
    """Dates and booleans by what they hold, all else by how it is chosen."""
    return str(field["type"] if field.get("type") in ("date", "datetime", "bool") else field.get("fieldType") or "")


def _properties(attributes: Record, custom: Record) -> dict[str, Any]:
    named = {ATTRIBUTES[name]: value for name, value in attributes.items()} | dict(custom)
    return {name: "" if value is None else value for name, value in named.items()}
