"""The embedded emulator with one helper type's queue, and worker processes on it that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fleet import names
from fleet.aws import AwsClients, aws_clients
from fleet.envelope import deduplication_id, message_body, message_group_id
from fleet.execution import Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.local import emulator
from fleet.marshalling import item
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings

TYPE = "copy_it"
PROBE_WORKER = Path(__file__).with_name("probe_worker.py")
# Ends a test that hangs; how fast something is, benchmarks ask.
HANGS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One line pair of the journal; ``ended`` is None for a run that was cut short."""

    execution_id: str
    contact_id: str
    pid: int
    began: int
    ended: int | None


@dataclass
class WorkerProcess:
    """A worker on the stack."""

    process: subprocess.Popen[bytes]
    log: Path
    health_port: int

    def signal(self, number: int) -> None:
        """Send a signal; a process that is gone already is fine."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def wait(self, seconds: float = HANGS_SECONDS) -> int:
        """The exit code."""
        return await asyncio.to_thread(self.process.wait, seconds)

    def health(self) -> int:
        """Status of GET /healthz, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/healthz", timeout=1) as answer:
                return int(answer.status)
        except OSError as exc:
            return int(getattr(exc, "code", 0))

    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    async def wait_event(self, event: str, seconds: float = HANGS_SECONDS) -> None:
        """Wait until it has logged the event."""
        deadline = time.monotonic() + seconds
        while not any(entry["event"] == event for entry in self.events()):
            assert time.monotonic() < deadline, f"{event} was not logged"
            await asyncio.sleep(0.05)

    async def ready(self, seconds: float = HANGS_SECONDS) -> None:
        """Wait until it polls."""
        deadline = time.monotonic() + seconds
        while self.health() != 200:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"the worker did not become ready:\n{self.log.read_text()[-4000:]}")
            await asyncio.sleep(0.05)


@dataclass
class WorkerStack:
    """Emulator, queue, executions table and the probes' journal."""

    settings: FleetSettings
    aws: AwsClients
    folder: Path
    queue_url: str
    dead_letter_url: str
    workers: list[WorkerProcess] = field(default_factory=list)

    @property
    def executions(self) -> ExecutionStore:
        return ExecutionStore(self.aws.dynamodb, self.settings.executions_table)

    def start_worker(self, **environment: str) -> WorkerProcess:
        number = len(self.workers)
        log = self.folder / f"worker-{number}.log"
        port = emulator.free_port()
        variables = {
            "STAGE": self.settings.stage,
            "AWS_ENDPOINT_URL": self.settings.aws_endpoint_url or "",
            "HELPER_TYPE": TYPE,
            "PROBE_JOURNAL": str(self.folder / "journal"),
            "METRICS": "false",
            "HEALTH_HOST": "127.0.0.1",
            "HEALTH_PORT": str(port),
            "ARTIFACTS_DIR": str(self.folder),
            "WORKER_WAIT_TIME_SECONDS": "1",
            "WORKER_VISIBILITY_SECONDS": "3",
            "WORKER_BACKOFF_BASE_SECONDS": "0.5",
            "WORKER_DRAIN_RUNNING_SECONDS": "3",
            "WORKER_DRAIN_FLUSH_SECONDS": "3",
            **environment,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(PROBE_WORKER)], env={**os.environ, **variables}, stdout=output, stderr=output
            )
        worker = WorkerProcess(process, log, port)
        self.workers.append(worker)
        return worker

    def execution(self, contact_id: str, **config: Any) -> Execution:
        """A queued execution of the probe."""
        return Execution(
            execution_id=new_execution_id(),
            helper_type=TYPE,
            account_id="acc",
            contact_id=contact_id,
            config=config,
            created_at="2026-01-15T10:00:00Z",
        )

    async def enqueue(self, executions: Sequence[Execution]) -> None:
        """Write the rows and send the messages, in this order, as api and router do."""
        table = self.settings.executions_table
        for start in range(0, len(executions), 25):
            requests: list[Any] = [
                {"PutRequest": {"Item": item(execution.to_item())}} for execution in executions[start : start + 25]
            ]
            await self.aws.dynamodb.batch_write_item(RequestItems={table: requests})
        for start in range(0, len(executions), 10):
            images = [execution.to_item() for execution in executions[start : start + 10]]
            answer = await self.aws.sqs.send_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {
                        "Id": str(n),
                        "MessageBody": message_body(image),
                        "MessageGroupId": message_group_id(image),
                        "MessageDeduplicationId": deduplication_id(image["execution_id"]),
                    }
                    for n, image in enumerate(images)
                ],
            )
            assert not answer.get("Failed")

    async def settled(self, executions: Sequence[Execution], seconds: float = HANGS_SECONDS) -> list[Execution]:
        """Wait until all are terminal and return them as stored, in the order given."""
        deadline = time.monotonic() + seconds
        waiting = [execution.execution_id for execution in executions]
        stored: dict[str, Execution] = {}
        while waiting:
            found = await asyncio.gather(*(self.executions.get(execution_id) for execution_id in waiting[:50]))
            stored |= {one.execution_id: one for one in found if one and one.is_terminal}
            open_now = [execution_id for execution_id in waiting if execution_id not in stored]
            if len(open_now) == len(waiting):
                assert time.monotonic() < deadline, f"{len(waiting)} executions are not settled, first: {found[0]}"
                await asyncio.sleep(0.1)
            waiting = open_now
        return [stored[execution.execution_id] for execution in executions]

    async def wait_dead_letters(self, number: int) -> list[dict[str, Any]]:
        """Take so many messages from the dead-letter queue."""
        letters: list[dict[str, Any]] = []
        for _ in range(20):
            answer = await self.aws.sqs.receive_message(
                QueueUrl=self.dead_letter_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            letters += [dict(message) for message in answer.get("Messages", [])]
            if len(letters) >= number:
                break
        return letters

    async def wait_running(self, execution: Execution, seconds: float = HANGS_SECONDS) -> None:
        """Wait until a run of the execution has begun."""
        deadline = time.monotonic() + seconds
        while not self.runs_of(execution.execution_id):
            assert time.monotonic() < deadline, "the run did not begin"
            await asyncio.sleep(0.05)

    async def control(self, document: dict[str, Any]) -> None:
        """Write the control document of the type."""
        await self.aws.ssm.put_parameter(
            Name=names.control_parameter(self.settings.stage, TYPE),
            Value=json.dumps(document),
            Type="String",
            Overwrite=True,
        )

    def journal(self) -> list[Run]:
        """Every run so far, in order of beginning."""
        path = self.folder / "journal"
        begun: dict[str, tuple[str, str, int, int]] = {}
        ended: dict[str, int] = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            event, execution_id, contact_id, pid, run, at = line.split()
            if event == "begin":
                begun[run] = (execution_id, contact_id, int(pid), int(at))
            else:
                ended[run] = int(at)
        runs = [Run(*facts, ended.get(run)) for run, facts in begun.items()]
        return sorted(runs, key=lambda run: run.began)

    def runs_of(self, execution_id: str) -> list[Run]:
        return [run for run in self.journal() if run.execution_id == execution_id]

    def by_contact(self) -> dict[str, list[Run]]:
        runs: defaultdict[str, list[Run]] = defaultdict(list)
        for run in self.journal():
            runs[run.contact_id].append(run)
        return runs

    async def close(self) -> None:
        """End every worker."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.signal(signal.SIGKILL)
                await worker.wait()


@pytest.fixture
async def stack(emulator_url: str, tmp_path: Path) -> AsyncIterator[WorkerStack]:
    """A stage of its own on the emulator."""
    stage = f"t{uuid.uuid4().hex[:12]}"
    settings = FleetSettings.from_environment(stage=stage, aws_endpoint_url=emulator_url)
    await asyncio.to_thread(Provisioner(settings).provision, [TYPE])
    (tmp_path / "journal").touch()
    async with aws_clients(settings) as aws:
        parameters = await aws.ssm.get_parameters(
            Names=[names.queue_url_parameter(stage, TYPE), names.dead_letter_queue_url_parameter(stage, TYPE)]
        )
        urls = {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in parameters["Parameters"]}
        stack = WorkerStack(settings, aws, tmp_path, urls["queue-url"], urls["dlq-url"])
        try:
            yield stack
        finally:
            await stack.close()
