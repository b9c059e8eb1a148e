"""The catalogue page: what each helper does, its config, an example and what the example's run hands back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers import registry
from helpers.catalogue.config_table import rows
from helpers.catalogue.example_run import run_example
from helpers.contract import CATEGORIES, Helper

PAGE_PATH = Path(__file__).parents[2] / "docs" / "helpers.md"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LINE_WIDTH = 110

_INTRODUCTION = """\
# Helper catalogue

Generated from the helper classes by `python -m helpers.catalogue`; do not edit. The config schemas are in
[helpers/schemas.json](../helpers/schemas.json). Unknown config keys are ignored. Every example is run: the outputs
below are what it handed back, with ids shortened to `<uuid>`.
"""


async def render_page() -> str:
    """The Markdown text of the page."""
    helpers = registry.load_all()
    by_category = {
        category: sorted((h for h in helpers.values() if h.category == category), key=lambda h: h.type)
        for category in CATEGORIES
    }
    lines = [_INTRODUCTION]
    for category, members in by_category.items():
        lines += [f"**{category}**: " + " · ".join(f"[{h.type}](#{h.type})" for h in members), ""]
    for category, members in by_category.items():
        lines += [f"## {category}", ""]
        for helper in members:
            lines += [*_section(helper), *await _example(helper)]
    return "\n".join(lines).rstrip() + "\n"


def _section(helper: type[Helper[Any]]) -> Iterator[str]:
    yield from (f"### {helper.type}", "", f"**{helper.name}**: {helper.description}", "")
    yield from (" · ".join(_facts(helper)) + ".", "")
    table = rows(helper.Config.json_schema())
    if not table:
        yield from ("No config keys.", "")
        return
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for row in table:
        yield f"| `{row.key}` | {_cell(row.type)} | {_cell(row.default)} | {_cell(row.meaning)} |"
    yield ""


def _facts(helper: type[Helper[Any]]) -> Iterator[str]:
    yield "Needs a CRM connection" if helper.requires_crm else "Works without a CRM connection"
    if helper.requires_crm and not helper.requires_contact:
        yield "needs no contact"
    if helper.supported_crms:
        yield "made for " + ", ".join(helper.supported_crms)
    if helper.external:
        yield "calls third parties"
    if not helper.idempotent:
        yield "a crash in mid-call may repeat its effect"
    yield f"at most {helper.timeout_seconds:g} s for an attempt"


async def _example(helper: type[Helper[Any]]) -> list[str]:
    example = helper.example
    given = {"config": example.config, "crm": example.crm, "input": example.input, "query_params": example.query_params}
    run = await run_example(helper)
    if run.output is None:
        raise run.config_error or run.error or AssertionError(f"the example of {helper.type} had no outcome")
    output = {
        "success": run.output.success,
        "modified_data": run.output.modified_data,
        "actions": [action.model_dump(mode="json") for action in run.output.actions],
    }
    return [
        "Example:",
        *_json_block({key: value for key, value in given.items() if value or key == "config"}),
        "Output:",
        *(_UUID.sub("<uuid>", line) for line in _json_block(json.loads(json.dumps(output, default=str)))),
    ]


def _json_block(value: Any) -> list[str]:
    return ["", "```json", wrapped_json(value), "```", ""]


def wrapped_json(value: Any, indent: int = 0) -> str:
    """JSON that breaks only those objects and lists that do not fit on a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or (indent and indent + len(line) <= _LINE_WIDTH):
        return line
    inner = indent + 2
    if isinstance(value, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {wrapped_json(item, inner)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [wrapped_json(item, inner) for item in value]
        opening, closing = "[", "]"
    body = ",\n".join(" " * inner + item for item in items)
    return f"{opening}\n{body}\n{' ' * indent}{closing}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
