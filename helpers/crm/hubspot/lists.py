"""HubSpot: static lists in the place of tags, and any list as a saved search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from helpers.crm.client import path
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.hubspot.actions import HubSpotActions
from helpers.crm.hubspot.vocabulary import (
    CONTACT_TYPE,
    CONTACTS,
    LISTS,
    LISTS_PAGE_SIZE,
    MEMBERS_PAGE_SIZE,
    STATIC_LISTS,
)
from helpers.crm.models import Contact, ContactPage, ContactQuery, Tag
from helpers.crm.paths import Record, at


class HubSpotLists(HubSpotActions):
    """The product calls lists segments by now; the API does not."""

    # tags -----------------------------------------------------------------------------------------------
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
            answer = await self.client.call("POST", f"{LISTS}/search", json=body, repeatable=True)
            found += [
                Tag(id=entry["listId"], name=entry.get("name"))
                for entry in self.rows(answer, "lists", identifier="listId")
                if entry.get("processingType") in STATIC_LISTS
            ]
            if not answer.get("hasMore") or int(answer.get("offset") or 0) <= offset:
                return found
            offset = int(answer["offset"])

    async def make_tag(self, name: str) -> Tag:
        body = {"name": name, "objectTypeId": CONTACT_TYPE, "processingType": "MANUAL"}
        answer = await self.client.call("POST", LISTS, json=body)
        return Tag(id=self.client.required(answer, "list.listId"), name=at(answer, "list.name") or name)

    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        await self._change(contact_id, tag, "add")

    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        await self._change(contact_id, tag, "remove")

    async def _change(self, contact_id: str, tag: Tag, change: str) -> None:
        url = path(LISTS + "/{id}/memberships/{change}", id=tag.id, change=change)
        answer = await self.client.call("PUT", url, json=[contact_id])
        # The first key is spelt with an extra s.
        keys = ("recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved", "recordsIdsRemoved")
        changed = {str(record_id) for key in keys for record_id in answer.get(key) or []}
        if contact_id not in changed:
            # Ids that do not exist are ignored like those with nothing to do; this raises NOT_FOUND.
            await self.client.get(path(CONTACTS + "/{id}", id=contact_id))

    async def with_lists(self, record: Record) -> Record:
        """The record with the ids of all its lists."""
        url = path(LISTS + "/records/{type}/{id}/memberships", type=CONTACT_TYPE, id=record["id"])
        lists = [str(entry["listId"]) for entry in self.rows(await self.client.get(url), identifier="listId")]
        return {**record, "lists": lists}

    async def list_id_of_legacy(self, legacy_id: str) -> str | None:
        """Today's id of a list that a config of the earlier platform names by its v1 id; None for an unknown one.

        The two ranges overlap, so a config has to be converted once, and never when it is read.
        """
        try:
            answer = await self.client.get(f"{LISTS}/idmapping", legacyListId=legacy_id)
        except CrmError as exc:
            if exc.code is not CrmErrorCode.NOT_FOUND:
                raise
            return None
        return str(answer["listId"]) if answer.get("listId") else None

    # members --------------------------------------------------------------------------------------------
    async def saved_search(self, search_id: str) -> list[Contact]:
        """The members of any list, dynamic ones too, without their tags: those would cost a call per contact."""
        found: list[Contact] = []
        query = ContactQuery(limit=MEMBERS_PAGE_SIZE, brief=True)
        while True:
            page = await self.members(search_id, query)
            found += page.contacts
            if page.next_cursor is None:
                return found
            query = query.model_copy(update={"cursor": page.next_cursor})

    async def members(self, list_id: str, query: ContactQuery) -> ContactPage:
        """A page of a list's contacts, those that fit the query's e-mail and filters."""
        answer = await self.client.get(
            path(LISTS + "/{id}/memberships", id=list_id),
            limit=min(query.limit, MEMBERS_PAGE_SIZE),
            after=query.cursor,
        )
        records = await self.read([str(member["recordId"]) for member in self.rows(answer, identifier="recordId")])
        wanted = await self.wanted(query)
        total = None if wanted else answer.get("total")
        fitting = [record for record in records if _fits(record, wanted)]
        return await self.page(fitting, at(answer, "paging.next.after"), total, brief=query.brief)

    @abstractmethod
    async def wanted(self, query: ContactQuery) -> dict[str, str]:
        """The values that the query's e-mail and filters ask for, by property."""

    @abstractmethod
    async def read(self, ids: Sequence[str]) -> list[Record]:
        """Contacts by id with every property, in that order."""

    @abstractmethod
    async def page(
        self, records: Sequence[Record], cursor: str | None, total: int | None, *, brief: bool
    ) -> ContactPage:
        """A page of those records."""


def _fits(record: Record, wanted: dict[str, str]) -> bool:
    properties: Record = record.get("properties") or {}
    return all(str(properties.get(name) or "").strip().casefold() == value.casefold() for name, value in wanted.items())
