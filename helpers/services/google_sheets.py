"""Google Sheets API v4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.errors import PermanentFailure
from helpers.services.client import ServiceClient

VALUES_ONLY = "userEnteredValue"


class GoogleSheets(ServiceClient):
    """Tabs and rows of one spreadsheet. Its methods fail for good on 400, 403 and 404 (C3)."""

    slug = "google_sheets"
    title = "Google Sheets"
    default_base = "https://sheets.googleapis.com/v4"
    # The platform may have stored the refresh token only.
    renews_first = True

    async def tab_id(self, spreadsheet_id: str, reference: str) -> int:
        """The id of a tab, given by id or title. Raises PermanentFailure for a title that no tab has."""
        if reference.isascii() and reference.isdigit():
            return int(reference)
        tab_id = (await self._tab_ids(spreadsheet_id)).get(reference)
        if tab_id is None:
            raise PermanentFailure(f"the spreadsheet has no tab titled {reference!r}")
        return tab_id

    async def first_row_is_empty(self, spreadsheet_id: str, tab_id: int) -> bool:
        """Whether row 1 of the tab holds nothing."""
        row = {"sheetId": tab_id, "startRowIndex": 0, "endRowIndex": 1}
        answer = await self.call_json(
            "POST",
            self._method(spreadsheet_id, "values:batchGetByDataFilter"),
            json={"dataFilters": [{"gridRange": row}]},
        )
        match answer:
            case {"valueRanges": [{"valueRange": {"values": values}}, *_]}:
                return not values
            case _:
                return True

    async def batch_update(
        self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]], headers: Mapping[str, str]
    ) -> None:
        """Apply the requests in one atomic call."""
        url = f"{self.url('spreadsheets', spreadsheet_id)}:batchUpdate"
        await self.call_json("POST", url, json={"requests": list(requests)}, headers=headers)

    async def _tab_ids(self, spreadsheet_id: str) -> dict[str, int]:
        """Tab title -> tab id."""
        answer = await self.call_json(
            "GET", self.url("spreadsheets", spreadsheet_id), params={"fields": "sheets.properties"}
        )
        tabs = [sheet.get("properties") for sheet in answer.get("sheets") or () if isinstance(sheet, dict)]
        # The API leaves out zero values, so the first tab may come without its id.
        return {str(tab.get("title", "")): int(tab.get("sheetId", 0)) for tab in tabs if isinstance(tab, dict)}

    def _method(self, spreadsheet_id: str, method: str) -> str:
        return f"{self.url('spreadsheets', spreadsheet_id)}/{method}"


def clear_request(tab_id: int) -> dict[str, Any]:
    """Of a batch update: empty the tab, formats stay."""
    return {"updateCells": {"range": {"sheetId": tab_id}, "fields": VALUES_ONLY}}


def append_request(tab_id: int, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of a batch update: put the rows behind the last one; no request where there are none."""
    return [{"appendCells": {"sheetId": tab_id, "rows": rows, "fields": VALUES_ONLY}}] if rows else []
