"""Ontraport's object API: every record type is read and written by the same few calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helpers.crm.client import VendorClient
from helpers.crm.errors import CrmErrorCode
from helpers.crm.ontraport.vocabulary import PAGE_SIZE
from helpers.crm.paging import all_pages
from helpers.crm.paths import at


class ObjectApi:
    """The calls of one account; an answer's ``code`` other than 0 is a failure."""

    def __init__(self, client: VendorClient) -> None:
        self._client = client

    async def data(self, method: str, url: str, *, repeatable: bool | None = None, **parts: Any) -> Any:
        """The ``data`` of an answer. Raises VALIDATION for a code other than 0."""
        return (await self._answer(method, url, repeatable=repeatable, **parts)).get("data")

    async def page(self, params: Mapping[str, Any], *, url: str = "/objects", identifier: str = "id") -> list[Any]:
        """One page of a list. Raises UPSTREAM unless its records have the identifier."""
        return self._client.records(await self._answer("GET", url, params=params), "data", identifier=identifier)

    async def all(self, object_id: int, *, identifier: str = "id", **params: Any) -> list[dict[str, Any]]:
        """The records of all pages of a list."""

        async def page(start: int) -> list[dict[str, Any]]:
            place = {"objectID": object_id, "start": start, "range": PAGE_SIZE}
            return await self.page(place | params, identifier=identifier)

        return await all_pages(page, PAGE_SIZE)

    def saved(self, data: Any, key: str = "id") -> str:
        """The id of what was saved, under that key or ``id``. Raises UPSTREAM where the answer has none."""
        return str(self._client.required(data, key if at(data, key) else "id"))

    async def _answer(self, method: str, url: str, **parts: Any) -> Mapping[str, Any]:
        answer = await self._client.call(method, url, **parts)
        if str(answer.get("code") or 0) != "0":
            said = next((text for key in ("message", "data") if isinstance(text := answer.get(key), str)), "")
            text = " ".join(part for part in (f"code {answer['code']}", said) if part)
            raise self._client.error(CrmErrorCode.VALIDATION, f"{method} {url}: {text}", status=200)
        return answer


def equal(values: Mapping[str, str]) -> str:
    """The JSON of a condition, an AND of equalities; never pasted together as text."""
    parts: list[Any] = []
    for name, value in values.items():
        if parts:
            parts.append("AND")
        parts.append({"field": {"field": name}, "op": "=", "value": {"value": value}})
    return json.dumps(parts)
