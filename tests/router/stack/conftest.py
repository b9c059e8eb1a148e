"""Router processes on the embedded emulator, a constant load, and what arrives at the queues."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet import names
from fleet.aws import AwsClients
from fleet.execution import Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.settings import FleetSettings

FAILOVER_SECONDS = 3.0
TYPE = "tag_it"


@dataclass
class Routers:
    """Processes of `python -m router`."""

    settings: FleetSettings
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    failover_seconds: float = FAILOVER_SECONDS

    def start(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one; its log is in the test's folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "router"],
                env={
                    **os.environ,
                    "STAGE": self.settings.stage,
                    "AWS_ENDPOINT_URL": self.settings.aws_endpoint_url or "",
                    "METRICS": "false",
                    "ROUTER_FAILOVER_SECONDS": str(self.failover_seconds),
                    "ROUTER_HANDOVER_SECONDS": "2",
                    "ROUTER_LEASE_SCAN_SECONDS": "0.5",
                    **environment,
                },
                stdout=log,
                stderr=log,
            )
        return self.processes[name]

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def events(self, event: str) -> list[dict[str, object]]:
        """Log lines of that event, from all processes, in order of time."""
        found = []
        for log in self.folder.glob("*.log"):
            for line in log.read_text().splitlines():
                with suppress(ValueError):
                    entry = json.loads(line)
                    if entry.get("event") == event:
                        found.append(entry)
        return sorted(found, key=lambda entry: str(entry["timestamp"]))

    async def until(self, event: str, count: int = 1) -> list[dict[str, object]]:
        """Wait for so many log lines of an event."""
        async with asyncio.timeout(60):
            while len(found := self.events(event)) < count:  # noqa: ASYNC110 - another process writes the log
                await asyncio.sleep(0.05)
        return found


@pytest.fixture
def routers(stage_settings: FleetSettings, tmp_path: Path) -> Iterator[Routers]:
    """None started yet; all of them are gone after the test."""
    routers = Routers(stage_settings, tmp_path)
    yield routers
    for name in list(routers.processes):
        routers.kill(name)


@dataclass
class Traffic:
    """What was inserted and what arrived, per contact."""

    aws: AwsClients
    store: ExecutionStore
    queue_url: str
    inserted: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    arrived: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def waiting(self) -> int:
        """Executions without a message."""
        return sum(map(len, self.inserted.values())) - sum(map(len, self.arrived.values()))

    async def insert(self, contact_id: str) -> str:
        """One queued execution."""
        execution = Execution(
            execution_id=new_execution_id(),
            helper_type=TYPE,
            helper_id="helper:1",
            account_id="account:1",
            contact_id=contact_id,
            config={"action": "apply", "tag_ids": ["1"]},
        )
        await self.store.create(execution)
        self.inserted[contact_id].append(execution.execution_id)
        return execution.execution_id

    async def load(self, seconds: float, *, per_second: float = 50, contacts: int = 12) -> None:
        """A constant stream of inserts, one after the other: their order is the order of the stream."""
        start = time.monotonic()
        number = 0
        while (now := time.monotonic()) < start + seconds:
            await self.insert(f"c{random.randrange(contacts)}")
            number += 1
            await asyncio.sleep(max(0.0, start + number / per_second - now))

    async def receive(self) -> None:
        """Take messages off the queue until cancelled; one consumer, so arrival order is the order of the group."""
        while True:
            answer = await self.aws.sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            messages = answer.get("Messages", [])
            for message in messages:
                body = json.loads(message["Body"])
                self.arrived[body["contact_id"]].append(body["execution_id"])
            if messages:
                await self.aws.sqs.delete_message_batch(
                    QueueUrl=self.queue_url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ],
                )

    async def arrive(self, seconds: float = 60) -> None:
        """Wait until everything inserted has arrived."""
        async with asyncio.timeout(seconds):
            while self.waiting > 0:  # noqa: ASYNC110 - the queue is another process
                await asyncio.sleep(0.05)


@pytest.fixture
async def traffic(aws: AwsClients, stage_settings: FleetSettings) -> AsyncIterator[Traffic]:
    """With a consumer running."""
    name = names.queue(stage_settings.stage, TYPE)
    url = (await aws.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    traffic = Traffic(aws, ExecutionStore(aws.dynamodb, stage_settings.executions_table), url)
    receiving = asyncio.create_task(traffic.receive())
    yield traffic
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
