"""How commands speak: results on standard output, refusals on standard error with exit code 1 or 2."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from helpers.errors import MyFusionError

console = Console()
errors = Console(stderr=True)


class Refused(MyFusionError):
    """The command cannot do that; the message names the argument and the remedy."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into one line and exit code 1."""
    try:
        yield
    except MyFusionError as exc:
        errors.print(f"[red]{type(exc).__name__}:[/] {escape(str(exc))}", highlight=False, markup=True)
        raise typer.Exit(1) from exc


def print_json(value: Any) -> None:
    """JSON as it is, for pipes."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def json_argument(text: str, name: str) -> dict[str, Any]:
    """A JSON object given as text or as ``@file``. Raises Refused, which names the option."""
    if text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            raise Refused(f"{name}: {path} is no file")
        text = path.read_text(encoding="utf-8")
    try:
        value = json.loads(text or "{}")
    except ValueError as exc:
        raise Refused(f"{name}: no valid JSON ({exc}); write an object or @file") from exc
    if not isinstance(value, dict):
        raise Refused(f"{name}: write a JSON object, not {type(value).__name__}")
    return value
