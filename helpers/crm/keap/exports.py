"""Keap: whole-account exports, page by page (spec platform keap_backup)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from helpers.crm.keap.actions import KeapActions
from helpers.crm.keap.vocabulary import EXPORT_FIELDS, EXPORT_PAGE_SIZES, EXPORTS, PAGE_SIZE


class KeapExports(KeapActions):
    """The raw records of one type."""

    async def iter_raw(self, resource: str, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Pages of raw records of one type (spec platform keap_backup)."""
        if resource in EXPORTS:
            extra = {"fields": EXPORT_FIELDS} if resource == "contacts" else {}
            size = min(page_size, EXPORT_PAGE_SIZES.get(resource, PAGE_SIZE))
            async for page in self.pages(f"/{EXPORTS[resource]}", EXPORTS[resource], page_size=size, **extra):
                yield page
        elif resource == "custom_fields":
            model = await self.client.get("/contacts/model")
            yield self.client.records(model, "custom_fields", identifier="")
        elif resource == "payment_methods":
            async for page in self._all_cards(page_size):
                yield page
        elif resource == "notes":
            async for page in self._all_notes(page_size):
                yield page
        else:
            raise self._unsupported(f"iter_raw({resource})")

    async def _all_cards(self, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Keap lists them by contact; a page holds those of many contacts."""
        held: list[dict[str, Any]] = []
        async for contacts in self.pages("/contacts", "contacts", page_size=page_size):
            for contact in contacts:
                contact_id = str(contact["id"])
                held += [{"contact_id": contact_id, **card} for card in await self.cards(contact_id)]
                while len(held) >= page_size:
                    yield held[:page_size]
                    held = held[page_size:]
        if held:
            yield held

    async def _all_notes(self, page_size: int) -> AsyncIterator[list[dict[str, Any]]]:
        # v2 lists notes of one contact only; the whole account's are in v1, which pages by offset.
        url, offset = self.client.base_url.removesuffix("/v2") + "/v1/notes", 0
        while True:
            answer = await self.client.get(url, limit=page_size, offset=offset)
            notes, total = self.client.records(answer, "notes", identifier=""), answer.get("count")
            if notes:
                yield notes
            offset += len(notes)
            # v1 may answer fewer than were asked for: its count says when the last one came.
            if not notes or (offset >= total if isinstance(total, int) else len(notes) < page_size):
                return
