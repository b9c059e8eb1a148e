"""Tests here run on virtual time, most of them on a rig: one consumer on the doubles, helpers that do as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
import structlog

from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.testing.executions import InMemoryExecutions
from fleet.testing.faults import Connection
from fleet.testing.queues import InMemorySqs
from fleet.testing.virtual_time import LoopClock, VirtualTimeLoop
from helpers.contract import HelperOutput
from worker.consumer import Consumer
from worker.drain import Drain
from worker.heartbeat import Heartbeat
from worker.permits import Permits
from worker.ports import Policy
from worker.source_queue import SourceQueue

Act = Callable[[Execution], Awaitable[HelperOutput]]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of a test."""
    return {"virtual": VirtualTimeLoop}


async def succeed(_execution: Execution) -> HelperOutput:
    """A helper with nothing to do."""
    return HelperOutput.ok("done")


class Rig:
    """One consumer with its heartbeat. ``acts[execution_id]`` is what its runs do, one after the other."""

    def __init__(
        self,
        *,
        concurrency: int = 20,
        visibility: int = 9,
        worker_id: str = "w1",
        helper_type: str = "probe",
        permits: Permits | None = None,
    ) -> None:
        self.sqs = InMemorySqs()
        self.clock = LoopClock()
        self.store = InMemoryExecutions(self.clock)
        self.metrics = Metrics(enabled=False)
        self.acts: dict[str, list[Act]] = {}
        self.runs: list[tuple[str, float]] = []
        self.ended_calls: list[tuple[str, bool]] = []
        self.runaways: list[BaseException] = []
        self.hurry = asyncio.Event()
        self.timeout_seconds = 60.0
        self.concurrency = concurrency
        self.visibility = visibility
        self.worker_id = worker_id
        self.helper_type = helper_type
        self.pooled = permits is not None
        self.permits = permits or Permits(concurrency, [helper_type])
        self.tasks: list[asyncio.Task[Any]] = []

    async def open(self) -> Rig:
        """Make the queues and the consumer; nothing polls yet."""
        dead = await self.sqs.create_queue("dead.fifo", {"DeduplicationScope": "messageGroup"})
        made = await self.sqs.create_queue("probe.fifo", {"DeduplicationScope": "messageGroup"})
        self.url, self.dead_url = made["QueueUrl"], dead["QueueUrl"]
        self.queue, self.dead_letters = self.sqs.queues[self.url], self.sqs.queues[self.dead_url]
        self.connection = Connection(self.sqs, latency=lambda: 0.001)
        self.table = Connection(self.store, latency=lambda: 0.001)
        self.source = SourceQueue(
            self.connection,
            self.helper_type,
            self.url,
            self.dead_url,
            visibility_seconds=self.visibility,
            wait_seconds=5,
        )
        self.consumer = Consumer(
            self.source,
            self,
            self.table,
            self.permits,
            self.metrics,
            Policy(
                max_attempts=3,
                lease_seconds=self.visibility,
                backoff_base_seconds=1,
                backoff_cap_seconds=10,
                cancel_grace_seconds=1,
            ),
            worker_id=self.worker_id,
            linger_seconds=0.02,
            pooled=self.pooled,
            clock=self.clock,
            on_runaway=self.runaways.append,
        )
        self.heartbeat = Heartbeat(
            [self.consumer.in_hand], self.table, self.metrics, visibility_seconds=self.visibility
        )
        return self

    def start(self) -> None:
        """Poll, delete and beat."""
        self.poller = asyncio.create_task(self.consumer.poller.run())
        self.acknowledger = asyncio.create_task(self.consumer.acknowledger.run())
        self.beats = asyncio.create_task(self.heartbeat.run())
        self.tasks = [self.poller, self.acknowledger, self.beats]

    async def drain(self, running_seconds: float = 10, flush_seconds: float = 10) -> bool:
        """The end of the process."""
        complete = await Drain([self.consumer], self.permits, [self.poller], [self.acknowledger], self.hurry).run(
            running_seconds, flush_seconds
        )
        self.beats.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return complete

    async def send(self, execution_id: str, *acts: Act, group: str = "g", body: str | None = None) -> None:
        """Store an execution and send its message."""
        self.acts[execution_id] = list(acts) or [succeed]
        self.store.items[execution_id] = Execution(execution_id=execution_id, helper_type=self.helper_type)
        text = json.dumps({"execution_id": execution_id, "helper_type": self.helper_type}) if body is None else body
        await self.sqs.send_message(
            QueueUrl=self.url, MessageBody=text, MessageGroupId=group, MessageDeduplicationId=execution_id
        )

    async def run(self, execution: Execution) -> HelperOutput:
        """The runner's part: the next act of the execution, the last one repeated."""
        acts = self.acts[execution.execution_id]
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        self.runs.append((execution.execution_id, asyncio.get_running_loop().time()))
        return await act(execution)

    async def ended(self, execution: Execution, *, duplicate: bool) -> None:
        """What the runner is told at the end of an execution."""
        self.ended_calls.append((execution.execution_id, duplicate))

    def item(self, execution_id: str) -> Execution:
        """The execution as stored."""
        return self.store.items[execution_id]

    async def until(self, condition: Callable[[], bool], seconds: float = 1000) -> float:
        """Wait in virtual time; returns the instant."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            assert loop.time() < deadline, "it did not happen"
            await asyncio.sleep(seconds / 100_000)
        return loop.time()

    async def until_empty(self, seconds: float = 1000) -> float:
        """Wait until the queue holds nothing."""
        return await self.until(lambda: not self.queue.messages(), seconds)

    def calls(self, operation: str) -> list[Mapping[str, Any]]:
        """The calls of one operation so far."""
        return [request for name, request in self.sqs.calls if name == operation]


@pytest.fixture
def make_rig() -> Callable[..., Awaitable[Rig]]:
    """Makes rigs."""

    async def make(**options: Any) -> Rig:
        return await Rig(**options).open()

    return make


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged during the test."""
    with structlog.testing.capture_logs() as captured:
        yield captured
