"""``mfh helpers`` and ``mfh run``: helper types, and one run without AWS."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from fleet.cli.output import console, json_argument, print_json, refusals
from fleet.operations.new_helper import create_helper
from helpers import registry
from helpers.contract import CATEGORIES

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False) -> None:
    """Every helper type."""
    with refusals():
        types = registry.load_all()
    if as_json:
        print_json([{"type": h.type, "name": h.name, "category": h.category} for h in types.values()])
        return
    table = Table()
    for heading in ("type", "category", "what it does"):
        table.add_column(heading, overflow="fold")
    for helper in types.values():
        table.add_row(helper.type, helper.category, helper.description)
    console.print(table)


@app.command()
def show(helper_type: str) -> None:
    """Metadata, config schema and example of a helper type, as JSON."""
    with refusals():
        helper = registry.load(helper_type)
    print_json(
        {
            "type": helper.type,
            "name": helper.name,
            "category": helper.category,
            "description": helper.description,
            "requires_crm": helper.requires_crm,
            "supported_crms": list(helper.supported_crms),
            "config_schema": helper.Config.json_schema(),
            "example": helper.example.config,
        }
    )


@app.command()
def new(
    helper_type: Annotated[str, typer.Argument(help="The type in snake_case, such as thank_it.")],
    category: Annotated[str, typer.Option(help=f"One of {', '.join(CATEGORIES)}.")],
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
) -> None:
    """Write a new helper: its file, its test and its line in the inventory."""
    with refusals():
        for path in create_helper(root.resolve(), helper_type, category):
            console.print(f"wrote {path}", highlight=False)
    console.print("next: write the logic in execute(), then run its test")


def run(
    helper_type: Annotated[str, typer.Argument(help="The helper type.")],
    config: Annotated[str, typer.Option(help="Config as a JSON object or @file.")] = "{}",
    contact: Annotated[str, typer.Option(help="Sandbox fixture as a JSON object or @file; its contact is used.")] = "",
    input: Annotated[str, typer.Option(help="Input as a JSON object or @file.")] = "{}",  # noqa: A002 - the option's name
) -> None:
    """Run a helper against a sandbox CRM in memory: no AWS, no network but what the helper itself calls."""
    from helpers.testing import run_helper

    with refusals():
        fixture = json_argument(contact, "--contact") if contact else {"contact": {"id": "c1"}}
        if "contact" not in fixture:
            fixture = {"contact": {"id": "c1", **fixture}}
        contact_id = str(fixture["contact"].get("id", "c1"))
        result = asyncio.run(
            run_helper(
                helper_type,
                json_argument(config, "--config"),
                contact_id=contact_id,
                crm=fixture,
                input=json_argument(input, "--input"),
            )
        )
        if result.config_error is not None:
            raise result.config_error
        if result.error is not None:
            raise result.error
    assert result.output is not None  # noqa: S101 - neither error is set
    shown: dict[str, Any] = result.output.model_dump()
    shown["contact"] = result.crm.contact(contact_id).model_dump(exclude_defaults=True)
    print_json(shown)
    if not result.output.success:
        raise typer.Exit(1)
