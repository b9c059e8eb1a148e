"""``mfh execute`` and ``mfh executions``: through the HTTP API, as any client."""

from __future__ import annotations

import time
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from fleet.cli.output import Refused, console, json_argument, print_json, refusals
from fleet.execution import TERMINAL

app = typer.Typer(no_args_is_help=True)

ApiUrl = Annotated[str, typer.Option(envvar="MFH_API_URL", help="Base URL of the API.")]
ApiKey = Annotated[str, typer.Option(envvar="MFH_API_KEY", help="Your API key.")]
DEFAULT_URL = "http://127.0.0.1:8080"


def _call(method: str, api_url: str, api_key: str, path: str, **request: Any) -> dict[str, Any]:
    if not api_key:
        raise Refused("no API key: set MFH_API_KEY or give --api-key")
    try:
        answer = httpx.request(
            method, f"{api_url.rstrip('/')}{path}", headers={"X-API-Key": api_key}, timeout=30, **request
        )
    except httpx.TransportError as exc:
        raise Refused(f"the API at {api_url} does not answer ({type(exc).__name__}): set MFH_API_URL") from exc
    try:
        body = answer.json()
    except ValueError as exc:
        raise Refused(f"{api_url} answered HTTP {answer.status_code} without JSON: is it the API?") from exc
    if answer.is_error:
        raise Refused(f"HTTP {answer.status_code}: {body.get('detail', body)}")
    return dict(body)


def execute(
    helper_id: Annotated[str, typer.Argument(help="Helper id, bare uuid or short key.")],
    contact: Annotated[str, typer.Option(help="Contact id.")] = "",
    input: Annotated[str, typer.Option(help="Input as a JSON object or @file.")] = "{}",  # noqa: A002 - the option's name
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the result.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 60.0,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Execute a stored helper for a contact."""
    with refusals():
        body = {"contact_id": contact, "input": json_argument(input, "--input")}
        accepted = _call("POST", api_url, api_key, f"/helpers/{helper_id}/execute", json=body)
        if not wait:
            print_json(accepted)
            return
        deadline = time.monotonic() + timeout
        while True:
            execution = _call("GET", api_url, api_key, f"/executions/{accepted['execution_id']}")
            if execution["status"] in TERMINAL or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        print_json(execution)
    if execution["status"] != "completed":
        raise typer.Exit(1)


@app.command("list")
def list_(
    helper_id: Annotated[str, typer.Option(help="Only of this helper.")] = "",
    status: Annotated[str, typer.Option(help="Only with this status.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """The newest executions, and why those that have not ended wait."""
    with refusals():
        params = {"limit": limit} | {k: v for k, v in {"helper_id": helper_id, "status": status}.items() if v}
        page = _call("GET", api_url, api_key, "/executions", params=params)
    if as_json:
        print_json(page)
        return
    table = Table()
    for heading in ("created", "type", "contact", "status", "attempts", "execution", "why"):
        table.add_column(heading, overflow="fold")
    for execution in page["executions"]:
        table.add_row(
            execution.get("created_at", ""),
            execution.get("helper_type", ""),
            execution.get("contact_id", ""),
            execution["status"],
            str(execution.get("attempts", 0)),
            execution["execution_id"],
            execution.get("waiting_for") or execution.get("error_message", ""),
        )
    console.print(table)


@app.command()
def show(execution_id: str, api_url: ApiUrl = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """One execution, as JSON."""
    with refusals():
        print_json(_call("GET", api_url, api_key, f"/executions/{execution_id}"))
