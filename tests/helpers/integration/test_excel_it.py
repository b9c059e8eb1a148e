"""excel_it: contact fields as CSV or XLSX."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {
    "id": "c1",
    "first_name": 'Ada "Countess"',
    "email": "ada@example.com",
    "phone": "+1 2",
    "custom_fields": {
        "score": 95.0, "vip": True, "list": ["a", "b"], "note": "x\r\ny", "gone": None, "formula": "=1+1",
        "o": {"k": 1},
    },
}  # fmt: skip


async def run(fields: Any, **config: Any) -> HelperRun:
    ids = {"execution_id": "exec:1", "account_id": "a1", "user_id": "u1", "helper_id": "h1"}
    return await run_helper("excel_it", {"fields": fields, **config}, crm={"contact": CONTACT}, ids=ids)


async def test_a_csv_and_what_it_reports() -> None:
    """Rows end with CRLF; the file is small enough to travel in the output."""
    result = await run(["FirstName", "", "Phone1"])

    content = b'FirstName,Phone1\r\n"Ada ""Countess""",+1 2\r\n'
    (file,) = result.files
    assert (file.path, file.content, file.content_type) == ("a1/exec:1/export-c1.csv", content, "text/csv")
    assert result.output is not None
    assert result.output.modified_data == {
        "format": "csv",
        "delimiter": ",",
        "include_headers": True,
        "fields": ["FirstName", "Phone1"],
        "contact_id": "c1",
        "account_id": "a1",
        "user_id": "u1",
        "helper_id": "h1",
        "data_row": '"Ada ""Countess""",+1 2',
        "header_row": "FirstName,Phone1",
        "file_name": "export-c1.csv",
        "content_type": "text/csv",
        "file_size": len(content),
        "file_ref": file.reference,
        "content_base64": base64.b64encode(content).decode(),
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("export_created", "c1", file.reference)]


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        (["score", "vip", "gone", "nobody"], "95,true,,"),
        (["list"], '"a, b"'),
        (["note"], '"x\r\ny"'),
        (["o"], '"{""k"":1}"'),
        (["formula"], "=1+1"),
        (["email", "Email", "EMAIL"], "ada@example.com,ada@example.com,"),
        (["Id", "id", "contact_id"], "c1,c1,c1"),
    ],
)
async def test_cells(fields: list[str], row: str) -> None:
    """By exact key; unknown keys are empty cells."""
    result = await run(fields)

    assert result.output is not None
    assert result.output.modified_data["data_row"] == row


@pytest.mark.parametrize(
    ("delimiter", "row"),
    [("\\t", "c1\t+1 2"), (";", "c1;+1 2"), ("\t", "c1\t+1 2"), (" ", 'c1 "+1 2"'), ("", "c1,+1 2")],
)
async def test_delimiters(delimiter: str, row: str) -> None:
    """A cell that holds the delimiter is quoted; a backslash and a t are a tab."""
    result = await run(["id", "phone"], delimiter=delimiter)

    assert result.output is not None
    assert result.output.modified_data["data_row"] == row


async def test_headers_are_quoted_like_cells_and_can_be_left_out() -> None:
    """The key is then left out too."""
    with_header, without = await run(["a,b"]), await run(["a,b"], include_headers="false")

    assert with_header.output is not None
    assert with_header.output.modified_data["header_row"] == '"a,b"'
    assert without.output is not None
    assert "header_row" not in without.output.modified_data
    assert without.files[0].content == b"\r\n"


async def test_an_xlsx_holds_texts_only() -> None:
    """Never a formula, never a number."""
    result = await run(["formula", "score", "nobody"], format="xlsx")

    (file,) = result.files
    assert file.path == "a1/exec:1/export-c1.xlsx"
    workbook = openpyxl.load_workbook(BytesIO(file.content))
    assert workbook.sheetnames == ["Export"]
    cells = [[(cell.value, cell.data_type) for cell in row[:2]] for row in workbook["Export"].iter_rows()]
    assert cells == [[("formula", "s"), ("score", "s")], [("=1+1", "s"), ("95", "s")]]
    assert result.output is not None
    assert result.output.modified_data["content_type"].endswith("spreadsheetml.sheet")


async def test_characters_that_xml_cannot_hold_are_dropped() -> None:
    """The export does not fail for them."""
    result = await run_helper(
        "excel_it",
        {"fields": ["x"], "format": "xlsx"},
        crm={"contact": {"id": "c1", "custom_fields": {"x": "a\x00\x0bb"}}},
    )
    workbook = openpyxl.load_workbook(BytesIO(result.files[0].content))

    assert workbook["Export"]["A2"].value == "ab"


@pytest.mark.parametrize(("size", "inline"), [(64 * 1024 - 2, True), (64 * 1024 - 1, False)])
async def test_a_large_file_is_only_referred_to(size: int, inline: bool) -> None:
    """64 KiB still travel in the output."""
    crm = {"contact": {"id": "c1", "custom_fields": {"x": "a" * size}}}
    result = await run_helper("excel_it", {"fields": ["x"], "include_headers": False}, crm=crm)

    assert result.output is not None
    assert ("content_base64" in result.output.modified_data) is inline


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"fields": None},
        {"fields": []},
        {"fields": ["", ""]},
        {"fields": "Email"},
        {"fields": ["Email", 5]},
        {"fields": ["Email", None]},
        {"fields": ["Email"], "format": "pdf"},
        {"fields": ["Email"], "include_headers": "no"},
        {"fields": ["Email"], "delimiter": 5},
    ],
)
async def test_refused_configs(config: dict[str, Any]) -> None:
    """At least one field key, texts only."""
    assert (await run_helper("excel_it", config, crm={"contact": CONTACT})).config_error is not None
