"""``mfh connections``: what an account has connected, and whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from fleet.aws import aws_clients
from fleet.cli.output import Refused, console, print_json, refusals
from fleet.helper_runs import HelperRuns
from fleet.helper_settings import HelperRuntimeSettings
from fleet.operations.connections import check_connection, list_connections
from fleet.operations.legacy_lists import convert_lists
from helpers.crm.hubspot.lists import HubSpotLists

app = typer.Typer(no_args_is_help=True)

ResultT = TypeVar("ResultT")
Account = Annotated[str, typer.Option(help="The account that owns the connection.")]


async def _with_runs(call: Callable[[HelperRuns], Awaitable[ResultT]]) -> ResultT:
    settings = HelperRuntimeSettings.from_environment()
    async with aws_clients(settings) as aws, HelperRuns.open(settings, aws) as runs:
        return await call(runs)


@app.command("list")
def list_(
    account: Account, as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False
) -> None:
    """The connections of an account; secrets are never shown."""
    with refusals():
        rows = asyncio.run(_with_runs(lambda runs: list_connections(runs.connections, account)))
    if as_json:
        print_json(rows)
        return
    table = Table()
    for heading in ("connection", "platform", "name", "status", "last connected"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            row["connection_id"], row.get("platform_id", ""), row.get("name", ""), row.get("status", ""),
            row.get("last_connected", ""),
        )  # fmt: skip
    console.print(table)


@app.command("convert-lists")
def convert_lists_(
    connection_id: str,
    account: Account,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the configs instead of only showing what changes.")
    ] = False,
) -> None:
    """HubSpot: convert list ids that helpers of the earlier platform hold to the ids of today, once."""

    async def convert(runs: HelperRuns) -> dict[str, Any]:
        connector = await runs.connectors.get(connection_id, account)
        if not isinstance(connector, HubSpotLists):
            raise Refused(f"{connection_id} is a connection to {connector.slug}: only HubSpot has replaced list ids")
        return await convert_lists(
            runs.stored_helpers, runs.state, connector.list_id_of_legacy, connection_id, account, apply=apply
        )

    with refusals():
        print_json(asyncio.run(_with_runs(convert)))


@app.command()
def test(connection_id: str, account: Account) -> None:
    """Make the cheapest authenticated read of the connection's CRM."""
    with refusals():
        checked = asyncio.run(
            _with_runs(lambda runs: check_connection(runs.connections, runs.connectors, connection_id, account))
        )
    print_json(checked)
