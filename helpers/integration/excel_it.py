"""excel_it: export chosen contact fields as CSV or XLSX."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import DefaultText, LooseFlag, empty_is_default
from helpers.rules.fields import contact_value
from helpers.rules.text import to_text

CONTENT_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
INLINE_LIMIT_BYTES = 64 * 1024
# XML 1.0 has no place for these, not even escaped.
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _without_empty_text(value: object) -> object:
    return [item for item in value if not isinstance(item, str) or item.strip()] if isinstance(value, list) else value


class Config(HelperConfig):
    """The columns and the kind of file."""

    fields: Annotated[list[Annotated[str, Strict()]], Strict(), BeforeValidator(_without_empty_text)] = Field(
        min_length=1, description="Field keys in column order; empty ones are dropped."
    )
    format: Annotated[Literal["csv", "xlsx"], empty_is_default] = Field(default="csv", description="Kind of file.")
    delimiter: DefaultText = Field(default=",", description=r"CSV delimiter; \t means a tab.")
    include_headers: LooseFlag = Field(default=True, description="Put the field keys into the first row.")


class ExcelIt(Helper[Config]):
    """Every cell is text. CSV values stay as they are: a phone number may start with +."""

    type = "excel_it"
    name = "Excel It"
    category = "integration"
    description = "Export chosen contact fields as CSV or XLSX."
    example = Example(
        config={"fields": ["FirstName", "Email"], "format": "csv"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "email": "ada@example.com"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, columns = ctx.config, ctx.config.fields
        delimiter = "\t" if config.delimiter == r"\t" else config.delimiter
        values = [to_text(contact_value(ctx.contact, key), separator=", ") for key in columns]
        rows = [columns, values] if config.include_headers else [values]
        content = _csv(rows, delimiter) if config.format == "csv" else _xlsx(rows, made_at=ctx.clock.now())
        file_name = f"export-{ctx.contact_id}.{config.format}"
        stored = await ctx.files.put(
            f"{ctx.account_id}/{ctx.execution_id}/{file_name}", content, CONTENT_TYPES[config.format]
        )
        inline = {"content_base64": base64.b64encode(content).decode()} if len(content) <= INLINE_LIMIT_BYTES else {}
        header_row = {"header_row": _line(columns, delimiter)} if config.include_headers else {}
        return HelperOutput.ok(
            f"exported {len(columns)} fields to {file_name}",
            modified_data={
                "format": config.format,
                "delimiter": delimiter,
                "include_headers": config.include_headers,
                "fields": columns,
                "contact_id": ctx.contact_id,
                "account_id": ctx.account_id,
                "user_id": ctx.user_id,
                "helper_id": ctx.helper_id,
                "data_row": _line(values, delimiter),
                **header_row,
                "file_name": file_name,
                "content_type": CONTENT_TYPES[config.format],
                "file_size": len(content),
                "file_ref": stored.reference,
                **inline,
            },
            actions=[Action(type="export_created", target=ctx.contact_id, value=stored.reference)],
        )


def _line(cells: Sequence[str], delimiter: str) -> str:
    return delimiter.join(_quoted(cell, delimiter) for cell in cells)


def _quoted(cell: str, delimiter: str) -> str:
    needs_quotes = any(mark in cell for mark in (delimiter, '"', "\r", "\n"))
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell


def _csv(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    return "".join(f"{_line(row, delimiter)}\r\n" for row in rows).encode()


def _xlsx(rows: Sequence[Sequence[str]], made_at: datetime) -> bytes:
    # A large library that a CSV export does not need.
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.properties.created = made_at.astimezone(UTC).replace(tzinfo=None)
    workbook.remove(workbook.worksheets[0])
    sheet = workbook.create_sheet("Export")
    for row_number, row in enumerate(rows, start=1):
        for column_number, text in enumerate(row, start=1):
            cell = sheet.cell(row_number, column_number, _NOT_IN_XML.sub("", text))
            # openpyxl takes a text that starts with "=" for a formula.
            cell.data_type = "s"
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()
