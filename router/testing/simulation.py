"""A fleet of routers on a scripted stream, in memory and on virtual time, with the promises checked as it runs."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.testing.streams import ScriptedStreamsClient, ScriptedTable
from fleet.transition import TransitionRefused
from router.dead_letters import DeadLetters
from router.leases import SCHEDULER_KEY, SHARD_END, TRIM_HORIZON, Lease
from router.router import RouterPorts
from router.settings import RouterSettings
from router.testing.lease_table import MemoryLeaseTable
from router.testing.node import Node
from router.testing.queues import RecordingSqs, Sent

DEAD_LETTER_QUEUE = "https://sqs/router-dlq"

SETTINGS = RouterSettings(
    executions_table="executions",
    router_page_records=5,
    router_pages_in_flight=2,
    router_sends_in_flight=3,
    router_idle_poll_seconds=1.0,
    router_active_poll_seconds=0.25,
    router_sync_seconds=20.0,
    router_schedule_poll_seconds=5.0,
)


class CheckedLeaseTable(MemoryLeaseTable):
    """Refuses to store what would break a promise of the router."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self._simulation = simulation

    def _store(self, lease: Lease) -> None:
        before = self.leases.get(lease.key)
        if before is not None and lease.key != SCHEDULER_KEY and before.checkpoint != lease.checkpoint:
            self._simulation.check_checkpoint(before, lease)
        super()._store(lease)


class Directory:
    """Helper type -> queue URL."""

    def __init__(self) -> None:
        self.urls = {"tag_it": "https://sqs/tag-it", "copy_it": "https://sqs/copy-it"}

    async def url(self, helper_type: str) -> str | None:
        """The URL, or None."""
        await asyncio.sleep(0)
        return self.urls.get(helper_type)


class Executions:
    """The execution store, as far as the router writes it: on the scripted table."""

    def __init__(self, table: ScriptedTable) -> None:
        self._table = table
        self.rejected: dict[str, str] = {}
        self.started: list[str] = []

    async def reject(self, execution_id: str, *, error_type: str, error_message: str) -> None:
        """queued or scheduled → failed."""
        await asyncio.sleep(0)
        item = self._table.items.get(execution_id, {})
        if item.get("status") not in {"queued", "scheduled"}:
            raise TransitionRefused("reject", execution_id, "terminal", None)
        self._table.update(execution_id, status="failed", error_type=error_type, error_message=error_message)
        self.rejected[execution_id] = error_message

    async def queue_due(self, execution_id: str) -> None:
        """scheduled → queued."""
        await asyncio.sleep(0.001)
        if self._table.items[execution_id]["status"] != "scheduled":
            raise TransitionRefused("queue_due", execution_id, "wrong_state", None)
        self.started.append(execution_id)
        self._table.update(execution_id, status="queued", schedule_bucket=None)

    async def due(self, now: datetime, limit: int = 1000) -> Sequence[Execution]:
        """Scheduled executions that are due, in order of not_before."""
        await asyncio.sleep(0)
        moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        items = [item for item in self._table.items.values() if item.get("schedule_bucket")]
        due = sorted((item for item in items if item["not_before"] <= moment), key=lambda item: item["not_before"])
        return [Execution.model_validate(item) for item in due[:limit]]


@dataclass(slots=True)
class Inserted:
    """What a test wrote: its place in its group."""

    execution_id: str
    helper_type: str
    group: str
    sequence_number: str
    shard_id: str


@dataclass(slots=True)
class Simulation:
    """Stream, queues, leases and any number of router nodes. Make it inside a running (virtual) loop."""

    settings: RouterSettings = SETTINGS
    table: ScriptedTable = field(default_factory=ScriptedTable)
    sqs: RecordingSqs = field(default_factory=RecordingSqs)
    nodes: dict[str, Node] = field(default_factory=dict)
    inserted: list[Inserted] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)
    clients: dict[str, ScriptedStreamsClient] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)
    leases: CheckedLeaseTable = field(init=False)
    executions: Executions = field(init=False)
    _numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.leases = CheckedLeaseTable(self)
        self.executions = Executions(self.table)

    # what happens ---------------------------------------------------------------------------------------
    def insert(self, group: str, *, helper_type: str = "tag_it") -> Inserted:
        """A queued execution for the contact ``group``, on the lineage of that contact."""
        execution_id = f"exec:{next(self._numbers):06d}"
        item = {
            "execution_id": execution_id,
            "helper_type": helper_type,
            "account_id": "a",
            "contact_id": group,
            "status": "queued",
        }
        number = self.table.put(item, partition=group)
        shard_id = next(open_ for open_ in self.table.open_shards() if self.table.shard(open_).covers(group))
        inserted = Inserted(execution_id, helper_type, group, number or "", shard_id)
        if helper_type in self.directory.urls:
            self.inserted.append(inserted)
        else:
            self.poisoned.add(execution_id)
        return inserted

    def start(self, name: str | None = None) -> Node:
        """One more router process."""
        name = name or f"router-{next(self._numbers)}"
        dead_letters = DeadLetters(self.sqs, self.executions, self._dead_letter_queue, Metrics(enabled=False))
        self.clients[name] = self.table.client(name)
        ports = RouterPorts(
            streams=self.clients[name],
            leases=self.leases,
            sqs=self.sqs,
            directory=self.directory,
            dead_letters=dead_letters,
            due=self.executions,
            executions=self.executions,
        )
        self.nodes[name] = Node(name, ports, self.settings)
        return self.nodes[name]

    async def stop(self, name: str) -> None:
        """SIGTERM."""
        await self.nodes.pop(name).stop()

    async def kill(self, name: str) -> None:
        """SIGKILL."""
        await self.nodes.pop(name).kill()

    async def kill_all(self) -> None:
        """The end of a test."""
        for name in list(self.nodes):
            await self.kill(name)

    async def settle(self, *, seconds: float = 300.0) -> None:
        """Run until everything was delivered, at most so long."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.undelivered() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(2.0)

    @staticmethod
    async def _dead_letter_queue() -> str | None:
        return DEAD_LETTER_QUEUE

    # what must hold -------------------------------------------------------------------------------------
    def delivered(self) -> list[str]:
        """Execution ids in the order in which the queues let them through."""
        return [_execution_id(sent) for sent in self.sqs.delivered]

    def undelivered(self) -> set[str]:
        """Executions without a message, and poison that was not buried."""
        missing = {record.execution_id for record in self.inserted} - set(self.delivered())
        return missing | (self.poisoned - set(self.executions.rejected))

    def check(self) -> None:
        """Nothing lost, everything in order per group, once after deduplication, no promise broken on the way."""
        assert not self.broken, self.broken[0]  # noqa: S101 - assertions are what this is for
        assert not self.undelivered(), f"lost: {sorted(self.undelivered())}"  # noqa: S101
        # A group is a contact in one queue: there is no order between queues.
        expected: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for record in self.inserted:
            expected[record.helper_type, record.group].append(record.execution_id)
        actual: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        place = {record.execution_id: (record.helper_type, record.group) for record in self.inserted}
        for execution_id in self.delivered():
            actual[place[execution_id]].append(execution_id)
        assert actual == expected  # noqa: S101

    def check_checkpoint(self, before: Lease, after: Lease) -> None:
        """A checkpoint never moves back, and everything up to it was sent."""
        if _place(after.checkpoint) < _place(before.checkpoint):
            self.broken.append(f"{after.key} went back from {before.checkpoint} to {after.checkpoint}")
        covered = {
            record.execution_id
            for record in self.inserted
            if record.shard_id == after.shard_id and int(record.sequence_number) <= _place(after.checkpoint)
        }
        if unsent := covered - set(self.delivered()):
            self.broken.append(f"{after.key} at {after.checkpoint} although {sorted(unsent)} were not sent")


def _execution_id(sent: Sent) -> str:
    return sent.deduplication_id.replace("exec-", "exec:", 1)


def _place(checkpoint: str) -> int:
    # Integers: as floats, sequence numbers next to each other would be equal.
    sentinels = {TRIM_HORIZON: 0, SHARD_END: 10**60}
    return sentinels[checkpoint] if checkpoint in sentinels else int(checkpoint)
