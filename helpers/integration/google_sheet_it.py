"""google_sheet_it: write contacts to a tab of a Google spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact
from helpers.errors import ContactRequired
from helpers.integration.sheet_rows import Row, columns_of, header_row, label_row, rows_of
from helpers.rules.config_types import Identifier, LooseFlag, OptionalText, RequiredText, WholeNumber, empty_is_default
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers, once
from helpers.services.google_sheets import GoogleSheets, append_request, clear_request

DEFAULT_CHUNK_ROWS = 7500


class Config(HelperConfig):
    """Which contacts go where."""

    spreadsheet_id: RequiredText = Field(description="Spreadsheet id.")
    sheet_id: Identifier = Field(description="Tab id (number) or tab title.")
    google_connection_id: OptionalText = Field(default=None, description="Google connection; needed in some form.")
    google_account_id: OptionalText = Field(default=None, description="Older name of google_connection_id.")
    search_id: OptionalText = Field(default=None, description="Saved search of the CRM; unset = the contact.")
    translate_headers: LooseFlag = Field(default=False, description="Readable column labels.")
    include_headers: LooseFlag = Field(default=True, description="Write a header row.")
    mode: Annotated[Literal["replace", "append"], empty_is_default] = Field(
        default="replace", description="Replace the tab's content, or append to it."
    )
    chunk_size: Annotated[
        WholeNumber, AfterValidator(lambda rows: rows if rows > 0 else DEFAULT_CHUNK_ROWS), empty_is_default
    ] = Field(default=DEFAULT_CHUNK_ROWS, description="Rows per request; 0 or less means the default.")
    service_connection_ids: ServiceConnections

    @model_validator(mode="after")
    def _names_a_connection(self) -> Self:
        named = (
            self.google_connection_id, self.google_account_id, self.service_connection_ids.get("google_sheets")
        )  # fmt: skip
        if not any((connection or "").strip() for connection in named):
            raise ValueError("google_connection_id: choose a Google connection")
        return self


class GoogleSheetIt(Helper[Config]):
    """Exports the contact, or the contacts of a saved search; never all contacts for want of a search."""

    type = "google_sheet_it"
    name = "Google Sheet It"
    category = "integration"
    description = "Write contacts to a tab of a Google spreadsheet, replacing or appending."
    requires_contact = False
    reads_contact = False
    external = True
    idempotent = False
    timeout_seconds = 600.0
    example = Example(
        config={"spreadsheet_id": "s1", "sheet_id": 0, "google_connection_id": "connection:google"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "POST", "url_contains": "/v4/spreadsheets/s1:batchUpdate"},
                "reply": {"status": 200, "json": {"spreadsheetId": "s1"}},
            },
        ),
        service_auths={"google_sheets": {"access_token": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, sheets = ctx.config, GoogleSheets(ctx)
        contacts = await _contacts(ctx)
        tab_id = await sheets.tab_id(config.spreadsheet_id, config.sheet_id)
        columns = columns_of(contacts)
        header = await _header(ctx, columns)
        rows = rows_of(contacts, columns)
        chunks = [rows[start : start + config.chunk_size] for start in range(0, len(rows), config.chunk_size)] or [[]]
        write = _replace if config.mode == "replace" else _append
        await write(ctx, sheets, tab_id, header, chunks)
        return HelperOutput.ok(
            f"wrote {len(rows)} rows",
            modified_data={
                "spreadsheet_id": config.spreadsheet_id,
                "sheet_id": tab_id,
                "rows_written": len(rows),
                "mode": config.mode,
            },
            actions=[Action(type="sheet_synced", target=config.spreadsheet_id, value=len(rows))],
        )


async def _contacts(ctx: HelperContext[Config]) -> list[Contact]:
    if ctx.config.search_id:
        return await ctx.crm.saved_search(ctx.config.search_id)
    if not ctx.contact_id.strip():
        raise ContactRequired
    return [await ctx.load_contact()]


async def _header(ctx: HelperContext[Config], columns: Sequence[str]) -> list[Row]:
    """The header row, as a list that is empty where none is wanted."""
    if not ctx.config.include_headers:
        return []
    if not ctx.config.translate_headers:
        return [header_row(columns)]
    return [label_row(columns, await ctx.crm.get_custom_fields())]


async def _replace(
    ctx: HelperContext[Config], sheets: GoogleSheets, tab_id: int, header: list[Row], chunks: list[list[Row]]
) -> None:
    """Clear and write the first chunk in one atomic call, then the rest. A retry starts all over, which is harmless."""
    for index, chunk in enumerate(chunks):
        clear, rows = ([], chunk) if index else ([clear_request(tab_id)], [*header, *chunk])
        requests = [*clear, *append_request(tab_id, rows)]
        await sheets.batch_update(ctx.config.spreadsheet_id, requests, _headers(ctx, index, chunks))


async def _append(
    ctx: HelperContext[Config], sheets: GoogleSheets, tab_id: int, header: list[Row], chunks: list[list[Row]]
) -> None:
    """Each chunk once: a retry goes on behind the last one written. The header goes into an empty tab only."""
    spreadsheet_id = ctx.config.spreadsheet_id
    for index, chunk in enumerate(chunks):

        async def write(index: int = index, chunk: list[Row] = chunk) -> dict[str, Any]:
            with_header = header and not index and await sheets.first_row_is_empty(spreadsheet_id, tab_id)
            requests = append_request(tab_id, [*header, *chunk] if with_header else chunk)
            if requests:
                await sheets.batch_update(spreadsheet_id, requests, _headers(ctx, index, chunks))
            return {}

        await once(ctx, f"append chunk {index}", write)


def _headers(ctx: HelperContext[Config], index: int, chunks: list[list[Row]]) -> dict[str, str]:
    return idempotency_headers(ctx, index if len(chunks) > 1 else None)
