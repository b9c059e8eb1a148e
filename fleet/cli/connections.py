"""``mfh connections``: what an account has connected, and whether it answers."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from fleet.cli.output import console, print_json, refusals
from fleet.operations.connections import check_connection, list_connections

app = typer.Typer(no_args_is_help=True)

Account = Annotated[str, typer.Option(help="The account that owns the connection.")]


@app.command("list")
def list_(
    account: Account, as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False
) -> None:
    """The connections of an account; secrets are never shown."""
    with refusals():
        rows = asyncio.run(list_connections(account))
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


@app.command()
def test(connection_id: str, account: Account) -> None:
    """Make the cheapest authenticated read of the connection's CRM."""
    with refusals():
        checked = asyncio.run(check_connection(connection_id, account))
    print_json(checked)
