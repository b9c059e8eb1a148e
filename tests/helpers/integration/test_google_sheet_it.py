"""google_sheet_it: contacts as rows of a tab."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.integration.sheet_rows import words_of
from helpers.testing import HelperRun, SandboxCRM, run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "=1+1",
    "company": "Acme",
    "custom_fields": {"score": 9.5, "vip": True, "gone": None, "list": ["a", "b"]},
}
OTHERS = [{"id": f"c{number}", "email": f"p{number}@x.example"} for number in range(2, 6)]
STANDARD = ["Id", "FirstName", "LastName", "Email", "Phone", "Company"]
CONFIG = {"spreadsheet_id": "s/1", "sheet_id": 7, "google_connection_id": "connection:g"}
OK = {"match": {"url_contains": ":batchUpdate"}, "reply": {"status": 200, "json": {}}}
AUTH = {"google_sheets": {"access_token": "token"}}


def crm(**more: Any) -> dict[str, Any]:
    return {"contact": CONTACT, "extra_contacts": OTHERS, "saved_searches": {"5": {}, "none": {"email": "?"}}, **more}


async def run(config: dict[str, Any] | None = None, http: Any = (), **options: Any) -> HelperRun:
    options.setdefault("crm", crm())
    options.setdefault("service_auths", AUTH)
    return await run_helper("google_sheet_it", {**CONFIG, **(config or {})}, http=[*http, OK], **options)


def batches(run: HelperRun) -> list[list[dict[str, Any]]]:
    return [json.loads(r.content)["requests"] for r in run.requests if str(r.url).endswith(":batchUpdate")]


def cells(row: dict[str, Any]) -> list[Any]:
    """The plain values of a row, None for an empty cell."""
    return [next(iter(cell["userEnteredValue"].values())) if cell else None for cell in row["values"]]


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [cells(row)[0] for row in rows]


def text(value: str) -> dict[str, Any]:
    return {"userEnteredValue": {"stringValue": value}}


async def test_one_contact_replaces_the_tab_in_one_atomic_call() -> None:
    """Clear, then header and row; every value has its type and nothing is a formula."""
    result = await run(ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://sheets.googleapis.com/v4/spreadsheets/s%2F1:batchUpdate"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert batches(result) == [
        [
            {"updateCells": {"range": {"sheetId": 7}, "fields": "userEnteredValue"}},
            {
                "appendCells": {
                    "sheetId": 7,
                    "rows": [
                        {"values": [text(name) for name in (*STANDARD, "gone", "list", "score", "vip")]},
                        {
                            "values": [
                                *map(text, ("c1", "Ada", "Lovelace", "ada@example.com", "=1+1", "Acme")),
                                {},
                                text("a, b"),
                                {"userEnteredValue": {"numberValue": 9.5}},
                                {"userEnteredValue": {"boolValue": True}},
                            ]
                        },
                    ],
                    "fields": "userEnteredValue",
                }
            },
        ]
    ]
    assert result.output is not None
    assert result.output.modified_data == {
        "spreadsheet_id": "s/1", "sheet_id": 7, "rows_written": 1, "mode": "replace"
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("sheet_synced", "s/1", 1)]


async def test_a_saved_search_is_written_in_chunks() -> None:
    """The first chunk comes with the clearing and the header."""
    result = await run({"search_id": "5", "chunk_size": "2"}, contact_id="", ids={"execution_id": "exec:1"})

    first, second, third = batches(result)
    assert ids(first[1]["appendCells"]["rows"]) == ["Id", "c1", "c2"]
    assert [ids(batch[0]["appendCells"]["rows"]) for batch in (second, third)] == [["c3", "c4"], ["c5"]]
    assert [len(batch) for batch in (first, second, third)] == [2, 1, 1]
    assert [request.headers["Idempotency-Key"] for request in result.requests] == [
        "exec:1:0", "exec:1:1", "exec:1:2"
    ]  # fmt: skip
    assert result.output is not None
    assert result.output.modified_data["rows_written"] == 5


@pytest.mark.parametrize("chunk_size", [0, -5, "", None])
async def test_chunk_sizes_that_mean_the_default(chunk_size: Any) -> None:
    """All rows in one request."""
    assert len((await run({"search_id": "5", "chunk_size": chunk_size})).requests) == 1


@pytest.mark.parametrize(("include_headers", "requests"), [(True, 2), (False, 1)])
async def test_an_empty_search_clears_the_tab(include_headers: bool, requests: int) -> None:
    """Only the header is written, if any."""
    result = await run({"search_id": "none", "include_headers": include_headers})

    (batch,) = batches(result)
    assert len(batch) == requests
    assert batch[0]["updateCells"] == {"range": {"sheetId": 7}, "fields": "userEnteredValue"}
    assert result.output is not None
    assert result.output.modified_data["rows_written"] == 0


def row_one(values: Any = None) -> dict[str, Any]:
    value_range = {"valueRange": {"range": "A1:Z1", **({} if values is None else {"values": values})}}
    return {"match": {"url_contains": "values:batchGetByDataFilter"}, "reply": {"json": {"valueRanges": [value_range]}}}


@pytest.mark.parametrize(
    ("http", "config", "first_cells"),
    [
        ([row_one()], {}, ["Id", "c1"]),
        ([row_one([["Id"]])], {}, ["c1"]),
        ([], {"include_headers": False}, ["c1"]),
    ],
)
async def test_append_writes_a_header_into_an_empty_tab_only(http: Any, config: Any, first_cells: list[str]) -> None:
    """Row 1 is asked for only where a header is wanted."""
    result = await run({"mode": "append", **config}, http)

    (batch,) = batches(result)
    assert [list(request) for request in batch] == [["appendCells"]]
    assert ids(batch[0]["appendCells"]["rows"]) == first_cells
    if http:
        assert json.loads(result.requests[0].content) == {
            "dataFilters": [{"gridRange": {"sheetId": 7, "startRowIndex": 0, "endRowIndex": 1}}]
        }
        assert result.requests[0].url.path == "/v4/spreadsheets/s/1/values:batchGetByDataFilter"


async def test_a_retry_of_append_goes_on_behind_the_last_chunk_written() -> None:
    """No row twice."""
    config = {"mode": "append", "search_id": "5", "chunk_size": 2, "include_headers": False}
    first = await run_helper(
        "google_sheet_it", {**CONFIG, **config}, crm=crm(), service_auths=AUTH, ids={"execution_id": "exec:1"},
        http=[OK, {"match": OK["match"], "reply": {"status": 503}}],
    )  # fmt: skip
    second = await run(config, state=first.state, ids={"execution_id": "exec:1"})

    assert first.error is not None
    assert first.error.retryable
    assert [ids(batch[0]["appendCells"]["rows"]) for batch in batches(second)] == [["c3", "c4"], ["c5"]]
    assert second.output is not None
    assert second.output.modified_data["rows_written"] == 5


async def test_a_retry_of_replace_starts_all_over() -> None:
    """It clears what the first try wrote."""
    first = await run({"search_id": "5"}, ids={"execution_id": "exec:1"})
    second = await run({"search_id": "5"}, state=first.state, ids={"execution_id": "exec:1"})

    assert batches(second) == batches(first)


@pytest.mark.parametrize(("sheet_id", "tab_id"), [("7", 7), (0, 0), ("0", 0), (12.0, 12)])
async def test_a_number_is_a_tab_id(sheet_id: Any, tab_id: int) -> None:
    """Reported as a number."""
    result = await run({"sheet_id": sheet_id})

    assert result.output is not None
    assert result.output.modified_data["sheet_id"] == tab_id


@pytest.mark.parametrize(("title", "tab_id"), [("Contacts", 9), ("First", 0)])
async def test_a_title_is_looked_up(title: str, tab_id: int) -> None:
    """The API leaves out an id of zero."""
    sheets = [{"properties": {"title": "First"}}, {"properties": {"title": "Contacts", "sheetId": 9}}]
    answer = {
        "match": {"method": "GET", "url_contains": "?fields=sheets.properties"},
        "reply": {"json": {"sheets": sheets}},
    }
    result = await run({"sheet_id": title}, [answer])

    assert result.output is not None
    assert result.output.modified_data["sheet_id"] == tab_id


async def test_an_unknown_title_is_final() -> None:
    """Nothing is written."""
    result = await run({"sheet_id": "Nope"}, [{"match": {"method": "GET"}, "reply": {"json": {"sheets": []}}}])

    assert result.error is not None
    assert not result.error.retryable
    assert batches(result) == []


async def test_without_search_and_contact_nothing_is_sent() -> None:
    """The earlier version exported the first thousand contacts."""
    result = await run(contact_id="")

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_a_crm_without_saved_searches_is_final() -> None:
    """Never all contacts instead."""

    class Plain(SandboxCRM):
        async def saved_search(self, search_id: str) -> Any:
            raise self._unsupported("saved_search")

    result = await run({"search_id": "5"}, crm=Plain(crm()))

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_translated_headers() -> None:
    """The CRM's own labels, else the words of the key."""
    custom = {"cf1": 1, "favouriteColour": "x", "lead_source_id": "y"}
    fixture = crm(
        contact={"id": "c1", "custom_fields": custom}, custom_fields=[{"id": "cf1", "key": "cf1", "label": "Shoe Size"}]
    )
    result = await run({"translate_headers": "true"}, crm=fixture)

    header = batches(result)[0][1]["appendCells"]["rows"][0]
    assert cells(header) == [
        "ID", "First Name", "Last Name", "Email", "Phone", "Company", "Shoe Size", "Favourite Colour", "Lead Source Id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "words"),
    [("birth_date", "Birth Date"), ("leadID", "Lead ID"), ("HTMLPage", "HTML Page"), ("_Custom1", "Custom1"),
     ("x", "X"), ("größeInCm", "Größe In Cm"), ("__", "__")],
)  # fmt: skip
def test_words_of_a_key(key: str, words: str) -> None:
    """Underscores and capitals separate words."""
    assert words_of(key) == words


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (403, False), (404, False), (429, True), (500, True)])
async def test_outcomes(status: int, retryable: bool) -> None:
    """One attempt."""
    result = await run(http=[{"match": {"method": "POST"}, "reply": {"status": status}}])

    assert result.error is not None
    assert result.error.retryable is retryable
    assert len(result.requests) == 1


async def test_credentials_are_needed() -> None:
    """Nothing is sent."""
    result = await run(service_auths={})

    assert result.error is not None
    assert result.requests == []


@pytest.mark.parametrize(
    ("connection", "valid"),
    [
        ({"google_connection_id": "x"}, True),
        ({"google_connection_id": "", "google_account_id": "x"}, True),
        ({"google_connection_id": None, "service_connection_ids": {"google_sheets": "x"}}, True),
        ({"google_connection_id": " "}, False),
        ({"google_connection_id": "", "service_connection_ids": {"zoom": "x"}}, False),
        ({"google_connection_id": 5}, False),
    ],
)
async def test_a_connection_is_named_in_one_of_three_ways(connection: dict[str, Any], valid: bool) -> None:
    """Older configs have other keys."""
    assert ((await run(connection)).config_error is None) is valid


@pytest.mark.parametrize(
    "config",
    [
        {"spreadsheet_id": ""},
        {"sheet_id": ""},
        {"sheet_id": None},
        {"sheet_id": True},
        {"mode": "merge"},
        {"chunk_size": "x"},
    ],
)
async def test_refused_configs(config: dict[str, Any]) -> None:
    """Spreadsheet and tab are required."""
    assert (await run(config)).config_error is not None
