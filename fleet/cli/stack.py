"""``mfh up``, ``mfh demo``, ``mfh provision`` and ``mfh smoke``."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fleet.aws import aws_clients
from fleet.cli.output import Refused, console, print_json, refusals
from fleet.executions import ExecutionStore
from fleet.helper_settings import HelperRuntimeSettings
from fleet.local.demo import report, scenario
from fleet.local.demo import seed as demo_seed
from fleet.local.demo.receiver import Receiver
from fleet.local.demo.run import Client, follow, submit
from fleet.local.stack import EmbeddedStack
from fleet.operations.provision import Provisioner
from fleet.operations.smoke import smoke as run_smoke
from fleet.settings import FleetSettings
from helpers.crm.models import Contact
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import Seed, read_seed
from helpers.crm.sandbox.store import SandboxStore

STACK_ENVIRONMENT = {
    # Short polls end a drain soon; a laptop has no fleet to scale in.
    "WORKER_WAIT_TIME_SECONDS": "2",
    "WORKER_CONCURRENCY": "40",
    "WORKER_VISIBILITY_SECONDS": "30",
    "LOG_LEVEL": "warning",
}


def up(
    port: Annotated[int, typer.Option(help="Port of the API; 0 = a free one.")] = 8080,
    contacts: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Contacts of your own besides the demo's: .csv or .json."),
    ] = None,
) -> None:
    """Start the embedded stack with the demo's account and keep it up until Ctrl-C."""
    with refusals():
        more = _own_contacts(contacts) if contacts else {}

    async def stay() -> None:
        async with Receiver() as receiver:
            seeded: list[demo_seed.Seeded] = []

            async def seed(stack: EmbeddedStack) -> None:
                seeded.append(await demo_seed.seed(stack.settings, stack.sandbox_path, receiver.url, more=more))

            stopping = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stopping.set)
            stack = EmbeddedStack(api_port=port, seed=seed, environment={**STACK_ENVIRONMENT, "LOG_LEVEL": "info"})
            starting = asyncio.ensure_future(stack.__aenter__())
            waiting = asyncio.ensure_future(stopping.wait())
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return
            await starting
            try:
                _print_how_to(stack, seeded[0])
                await waiting
                console.print("stopping ...")
            finally:
                await stack.__aexit__()

    with refusals():
        asyncio.run(stay())


def _own_contacts(path: Path) -> Seed:
    try:
        return read_seed(path)
    except ValueError as exc:
        raise Refused(f"--contacts: {exc}") from exc


def _print_how_to(stack: EmbeddedStack, seeded: demo_seed.Seeded) -> None:
    console.print(f"\nThe stack is up. API: [bold]{stack.api_url}[/] (Ctrl-C stops it)\n", highlight=False)
    # To be copied: not broken at the width of the terminal.
    exported = f"  export MFH_API_URL={stack.api_url} MFH_API_KEY={seeded.api_key}"
    console.print(exported, highlight=False, soft_wrap=True)
    console.print(f"  export AWS_ENDPOINT_URL={stack.settings.aws_endpoint_url}", highlight=False)
    console.print("  mfh execute tag --contact c001 --wait", highlight=False)
    console.print("  mfh executions list\n", highlight=False)
    console.print(f"  stored helpers: {', '.join(seeded.helpers)}", highlight=False)


def demo(
    executions: Annotated[int, typer.Option(min=22, help="How many executions.")] = 1000,
    logs: Annotated[bool, typer.Option(help="Show the services' log lines.")] = False,
    timeout: Annotated[int, typer.Option(help="Seconds until unfinished executions count as lost.")] = 300,
    api_url: Annotated[
        str,
        typer.Option(
            help="Use the services behind this API instead of the embedded stack; AWS_ENDPOINT_URL and "
            "SANDBOX_CRM_PATH say what they share.",
        ),
    ] = "",
) -> None:
    """Run executions of 60 helper types through the whole path and report what happened."""
    with refusals():
        started = time.monotonic()
        work = _demo_of_running(api_url, executions, timeout) if api_url else _demo(executions, logs, timeout)
        passed = asyncio.run(work)
        console.print(f"{time.monotonic() - started:.1f} s in all", highlight=False)
    if not passed:
        raise typer.Exit(1)


async def _demo(count: int, logs: bool, timeout_seconds: int) -> bool:
    def output(name: str, line: str) -> None:
        if logs:
            sys.stderr.write(f"{name:<9}| {line}\n")

    seeded: list[demo_seed.Seeded] = []
    started = time.monotonic()
    async with Receiver() as receiver:

        async def seed(stack: EmbeddedStack) -> None:
            seeded.append(await demo_seed.seed(stack.settings, stack.sandbox_path, receiver.url))

        console.print("starting emulator, router, worker and api on loopback ...")
        async with EmbeddedStack(seed=seed, environment=STACK_ENVIRONMENT, output=output) as stack:
            console.print(f"up after {time.monotonic() - started:.1f} s", highlight=False)
            return await _work(stack.api_url, stack.sandbox_path, seeded[0], receiver, count, timeout_seconds)


async def _demo_of_running(api_url: str, count: int, timeout_seconds: int) -> bool:
    settings = HelperRuntimeSettings.from_environment()
    if settings.aws_endpoint_url is None or not settings.sandbox_crm_path:
        raise Refused(
            "the demo writes demo data: set AWS_ENDPOINT_URL to the emulator and SANDBOX_CRM_PATH to the sandbox file "
            "that the services behind --api-url use"
        )
    sandbox_path = Path(settings.sandbox_crm_path)
    async with Receiver(socket.gethostname()) as receiver:
        # An account of its own: what an earlier demo left does not count.
        account = f"{scenario.ACCOUNT}-{uuid.uuid4().hex[:8]}"
        seeded = await demo_seed.seed(settings, sandbox_path, receiver.url, account=account)
        return await _work(api_url, sandbox_path, seeded, receiver, count, timeout_seconds)


async def _work(
    api_url: str, sandbox_path: Path, seeded: demo_seed.Seeded, receiver: Receiver, count: int, timeout_seconds: int
) -> bool:
    contact_ids = [contact["id"] for contact in scenario.contacts()]
    before = _read_contacts(sandbox_path, contact_ids)
    client = Client(api_url, seeded.api_key)
    wanted = scenario.requests(list(seeded.helpers), contact_ids, count)
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        accepted = progress.add_task("accepted", total=count)
        ended = progress.add_task("ended", total=count)
        followed = await submit(client, wanted, seeded.helpers, lambda: progress.advance(accepted))
        await follow(
            client, followed, lambda done: progress.update(ended, completed=done), timeout_seconds=timeout_seconds
        )
    await client.close()
    console.print(report.by_type(list(followed.executions.values())))
    console.print(report.changes(before, _read_contacts(sandbox_path, contact_ids)))
    console.print(f"webhooks received: {dict(receiver.received)}", highlight=False)
    return report.verdict(console, followed, count, expected_failures=1)


def _read_contacts(path: Path, contact_ids: list[str]) -> list[Contact]:
    store = SandboxStore(path)
    crm = SandboxConnector(store)
    contacts = [crm.load_contact(contact_id) for contact_id in contact_ids]
    store.close()
    return contacts


def provision(
    stage: Annotated[str, typer.Option(help="The stage to provision.")] = "dev",
    yes: Annotated[bool, typer.Option("--yes", help="Do it although AWS_ENDPOINT_URL is not set.")] = False,
) -> None:
    """Make the tables, queues and parameters of a stage; what exists is left alone."""
    with refusals():
        settings = FleetSettings.from_environment(stage=stage)
        if settings.aws_endpoint_url is None and not yes:
            raise Refused(
                "AWS_ENDPOINT_URL is not set, so this would create resources in your AWS account, which is Terraform's "
                "task; set it to an emulator, or say --yes"
            )
        Provisioner(settings, progress=lambda line: console.print(line, highlight=False)).provision()


def smoke(
    stage: Annotated[str, typer.Option(envvar="STAGE", help="The stage to try.")] = "dev",
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 60.0,
) -> None:
    """Let the stage complete one execution that needs no CRM; needs no API, only the executions table."""

    async def run() -> None:
        settings = FleetSettings.from_environment(stage=stage)
        async with aws_clients(settings) as aws:
            ended = await run_smoke(ExecutionStore(aws.dynamodb, settings.executions_table), timeout_seconds=timeout)
        shown = ("execution_id", "helper_type", "status", "worker_id", "created_at", "completed_at", "duration_ms")
        print_json(ended.model_dump(include=set(shown)))

    with refusals():
        asyncio.run(run())
