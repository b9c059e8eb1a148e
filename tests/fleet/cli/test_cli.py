"""The command line: what it prints, what it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from fleet.aws import aws_clients
from fleet.cli import executions
from fleet.cli.main import app
from fleet.local.demo.seed import connect_sandbox
from fleet.settings import FleetSettings
from helpers import registry

runner = CliRunner()


def invoke(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


# helpers ------------------------------------------------------------------------------------------------------
def test_helpers_are_listed() -> None:
    """As a table and as JSON."""
    assert "Apply or remove tags." in invoke("helpers", "list")
    listed = json.loads(invoke("helpers", "list", "--json"))
    assert {entry["type"] for entry in listed} == set(registry.inventory())


def test_a_helper_type_is_shown_with_its_schema() -> None:
    """JSON for pipes."""
    shown = json.loads(invoke("helpers", "show", "tag_it"))

    assert shown["category"] == "tagging"
    assert "tag_ids" in shown["config_schema"]["properties"]


def test_an_unknown_type_is_refused() -> None:
    """In one line."""
    assert "no_such" in invoke("helpers", "show", "no_such", code=1)


def test_a_helper_runs_without_aws() -> None:
    """The output and the contact after it."""
    config = '{"source_field": "phone", "target_field": "old"}'
    shown = json.loads(invoke("run", "copy_it", "--config", config, "--contact", '{"id": "c9", "phone": "5"}'))

    assert shown["modified_data"] == {"old": "5"}
    assert shown["contact"]["custom_fields"] == {"old": "5"}


def test_arguments_may_be_files(tmp_path: Path) -> None:
    """@file, also for a whole sandbox fixture."""
    fixture = tmp_path / "crm.json"
    fixture.write_text('{"contact": {"id": "c1"}, "tags": [{"id": "7", "name": "VIP"}]}')
    config = '{"action": "apply", "tag_ids": ["VIP"]}'

    shown = json.loads(invoke("run", "tag_it", "--config", config, "--contact", f"@{fixture}"))

    assert [tag["id"] for tag in shown["contact"]["tags"]] == ["7"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "copy_it", "--config", "{"), "--config"),
        (("run", "copy_it", "--config", "[]"), "--config"),
        (("run", "copy_it", "--config", "@/no/such/file"), "--config"),
        (("run", "copy_it", "--config", "{}"), "source_field"),
        (("run", "math_it", "--config", '{"field": "x", "operation": "divide", "operand": 0}'), "division"),
        (("run", "nothing_it"), "nothing_it"),
    ],
)
def test_a_refused_run_says_which_argument_or_field(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 1."""
    assert said in invoke(*arguments, code=1)


def test_a_failed_output_is_printed_and_exits_with_one() -> None:
    """success=false is a result, not a crash."""
    config = '{"mode": "v2", "webhook_url": "http://10.0.0.1/x"}'

    assert '"success": false' in invoke("run", "hook_it", "--config", config, code=1)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `helpers new` writes into."""
    (tmp_path / "helpers" / "contact").mkdir(parents=True)
    (tmp_path / "helpers" / "inventory.json").write_text(json.dumps({"contact": ["copy_it"]}))
    return tmp_path


@pytest.mark.timeout(120)
def test_the_test_of_a_new_helper_passes(tmp_path: Path) -> None:
    """In a copy of this checkout, as written."""
    root = Path(__file__).parents[3]
    for folder in ("helpers", "fleet"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)

    # No name that a guide suggests: whoever follows it has that helper in the checkout.
    invoke("helpers", "new", "scaffolded_by_a_test", "--category", "contact", "--root", str(tmp_path))

    test = "tests/helpers/contact/test_scaffolded_by_a_test.py"
    command = [sys.executable, "-m", "pytest", test, "-q", "-p", "no:cacheprovider"]
    # The copy has to come before the installed checkout.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_new_helper_is_three_files(checkout: Path) -> None:
    """The inventory stays sorted."""
    invoke("helpers", "new", "thank_it", "--category", "contact", "--root", str(checkout))
    invoke("helpers", "new", "a_first_it", "--category", "data", "--root", str(checkout))

    assert (checkout / "helpers/contact/thank_it.py").read_text().count("class ThankIt(Helper[Config])") == 1
    assert (checkout / "tests/helpers/contact/test_thank_it.py").is_file()
    assert json.loads((checkout / "helpers/inventory.json").read_text()) == {
        "contact": ["copy_it", "thank_it"],
        "data": ["a_first_it"],
    }


@pytest.mark.parametrize(
    ("name", "category", "said"),
    [
        ("ThankIt", "contact", "snake_case"),
        ("class", "contact", "snake_case"),
        ("x" * 41, "contact", "40"),
        ("thank_it", "kindness", "category"),
        ("copy_it", "contact", "exists"),
    ],
)
def test_a_refused_new_helper_writes_nothing(checkout: Path, name: str, category: str, said: str) -> None:
    """Names the argument."""
    before = sorted(checkout.rglob("*"))

    assert said in invoke("helpers", "new", name, "--category", category, "--root", str(checkout), code=1)

    assert sorted(checkout.rglob("*")) == before


def test_a_folder_without_inventory_is_no_checkout(tmp_path: Path) -> None:
    """Nothing is written there."""
    assert "checkout" in invoke("helpers", "new", "thank_it", "--category", "contact", "--root", str(tmp_path), code=1)
    assert list(tmp_path.iterdir()) == []


# executions ---------------------------------------------------------------------------------------------------
@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """A scripted API: an execution that is running when it is first asked for, then completed."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.headers["x-api-key"] != "key":
            return httpx.Response(401, json={"detail": "send your API key"})
        if request.method == "POST":
            return httpx.Response(202, json={"execution_id": "exec:1", "status": "queued"})
        if request.url.path == "/executions":
            entry = {"execution_id": "exec:1", "status": "queued", "waiting_for": "a worker", "helper_type": "tag_it"}
            return httpx.Response(200, json={"executions": [entry], "next_cursor": None})
        status = "running" if len(requests) < 3 else "completed"
        return httpx.Response(200, json={"execution_id": "exec:1", "status": status})

    def call(method: str, url: str, **options: Any) -> httpx.Response:
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            return client.request(method, url, **options)

    monkeypatch.setattr(executions.httpx, "request", call)
    monkeypatch.setattr(executions.time, "sleep", lambda _seconds: None)
    return requests


def test_execute_prints_what_was_accepted(api: list[httpx.Request]) -> None:
    """Contact and input go into the body."""
    arguments = ("execute", "tagger", "--contact", "c1", "--input", '{"n": 1}', "--api-key", "key")

    assert json.loads(invoke(*arguments))["execution_id"] == "exec:1"
    assert json.loads(api[0].content) == {"contact_id": "c1", "input": {"n": 1}}


def test_execute_waits_for_the_result(api: list[httpx.Request]) -> None:
    """Polls until it has ended."""
    shown = json.loads(invoke("execute", "tagger", "--contact", "c1", "--wait", "--api-key", "key"))

    assert shown["status"] == "completed"
    assert len(api) == 3


def test_execute_gives_up_after_its_time(api: list[httpx.Request]) -> None:
    """Prints the state it saw and exits with 1."""
    arguments = ("execute", "tagger", "--contact", "c1", "--wait", "--timeout", "-1", "--api-key", "key")

    assert '"running"' in invoke(*arguments, code=1)


def test_executions_are_listed_with_why_they_wait(api: list[httpx.Request]) -> None:
    """As a table and as JSON."""
    assert "a worker" in invoke("executions", "list", "--api-key", "key")
    page = json.loads(invoke("executions", "list", "--json", "--status", "queued", "--api-key", "key"))
    assert page["executions"][0]["execution_id"] == "exec:1"
    assert api[-1].url.params["status"] == "queued"


def test_an_execution_is_shown(api: list[httpx.Request]) -> None:
    """JSON."""
    assert '"exec:1"' in invoke("executions", "show", "exec:1", "--api-key", "key")


def test_a_refusal_of_the_api_is_printed(api: list[httpx.Request]) -> None:
    """The detail of the problem."""
    assert "send your API key" in invoke("executions", "list", "--api-key", "wrong", code=1)
    assert "MFH_API_KEY" in invoke("executions", "list", code=1)
    assert len(api) == 1


def test_an_api_that_is_not_there_is_named() -> None:
    """With the variable to set."""
    said = invoke("executions", "list", "--api-key", "key", "--api-url", "http://127.0.0.1:9", code=1)

    assert "MFH_API_URL" in said


# stack --------------------------------------------------------------------------------------------------------
def test_provision_refuses_an_aws_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless told --yes: that is Terraform's task."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    assert "AWS_ENDPOINT_URL" in invoke("provision", code=1)


@pytest.mark.stack
def test_contacts_that_cannot_be_read_are_refused_before_anything_starts(tmp_path: Path) -> None:
    """The option and the remedy are named."""
    file = tmp_path / "contacts.xlsx"
    file.write_bytes(b"")

    assert "--contacts: contacts.xlsx: a seed is a .json or .csv file" in invoke("up", "--contacts", str(file), code=1)


def test_provision_makes_a_stage(emulator_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the emulator."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator_url)

    assert "mfh-cli1-tag-it-executions.fifo ready" in invoke("provision", "--stage", "cli1")


@pytest.mark.stack
@pytest.mark.timeout(120)
def test_a_small_demo_passes() -> None:
    """The whole path in a process of its own: exit code 0 only when nothing was lost."""
    mfh = Path(sys.executable).with_name("mfh")
    result = subprocess.run([mfh, "demo", "--executions", "42"], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "42 of 42 requests accepted" in result.stdout
    assert "1 failed, 1 had to" in result.stdout


# connections --------------------------------------------------------------------------------------------------
@pytest.mark.stack
def test_connections_are_listed_and_tested(stage_settings: FleetSettings, tmp_path: Path) -> None:
    """A table, JSON, the outcome of a test; another account's connection is refused in one line."""

    async def connect() -> None:
        async with aws_clients(stage_settings) as aws:
            await connect_sandbox(stage_settings, aws, account="account:1")

    asyncio.run(connect())
    environment = {
        "COLUMNS": "200", "STAGE": stage_settings.stage, "AWS_ENDPOINT_URL": stage_settings.aws_endpoint_url or "",
        "SANDBOX_CRM_PATH": str(tmp_path / "crm.db"),
    }  # fmt: skip

    def run(*arguments: str, account: str = "account:1") -> Any:
        return runner.invoke(app, ["connections", *arguments, "--account", account], env=environment)

    assert "Sandbox CRM" in run("list").output
    (listed,) = json.loads(run("list", "--json").output)
    assert (listed["connection_id"], listed["status"]) == ("connection:sandbox", "active")
    tested = json.loads(run("test", "connection:sandbox").output)
    assert (tested["ok"], tested["platform_slug"]) == (True, "sandbox")
    assert json.loads(run("list", "--json").output)[0]["last_connected"]
    foreign = run("test", "connection:sandbox", account="account:2")
    assert foreign.exit_code == 1
    assert "belongs to another account" in foreign.output
