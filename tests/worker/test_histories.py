"""Whole lives of a small fleet on virtual time: whatever happens, no execution is lost, none runs twice at once.

A history is a list of executions with a script for each of their runs, and of troubles: kills, SIGTERMs, lost
handles, cut connections, lost answers. ``WORKER_HISTORIES=50000`` runs that many.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.testing import virtual_time
from fleet.testing.executions import InMemoryExecutions
from fleet.testing.faults import Connection
from fleet.testing.queues import FifoQueue, InMemorySqs
from fleet.testing.virtual_time import LoopClock
from helpers.contract import HelperOutput
from helpers.errors import PermanentFailure, TransientFailure
from worker.consumer import Consumer
from worker.drain import Drain
from worker.heartbeat import Heartbeat
from worker.permits import Permits
from worker.ports import Policy
from worker.source_queue import SourceQueue

VISIBILITY = 9
TIMEOUT = 25.0
MAX_ATTEMPTS = 3
QUIET_AFTER = 150.0
HISTORIES = int(os.environ.get("WORKER_HISTORIES", "2000"))

STEPS = ("ok", "ok", "ok", "retry", "retry_after", "fail", "slow", "hang", "exit")
TROUBLES = ("kill", "terminate", "lose_handle", "cut_heartbeat", "cut_deletes", "cut_table", "lose_answers", "cut_all")


@dataclass(frozen=True)
class Trouble:
    """Something that happens to one worker at one time, for a while."""

    at: float
    what: str
    worker: int
    seconds: float


@dataclass(frozen=True)
class History:
    """``scripts[i]`` is (group, steps): what the runs of execution i do, the last step repeated."""

    scripts: tuple[tuple[int, tuple[str, ...]], ...]
    troubles: tuple[Trouble, ...]
    workers: int
    concurrency: int


histories = st.builds(
    History,
    scripts=st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.sampled_from(STEPS), min_size=1, max_size=3).map(tuple)),
        min_size=1,
        max_size=9,
    ).map(tuple),
    troubles=st.lists(
        st.builds(
            Trouble,
            at=st.floats(0.001, 60, allow_nan=False),
            what=st.sampled_from(TROUBLES),
            worker=st.integers(0, 1),
            seconds=st.floats(0.1, 20, allow_nan=False),
        ),
        max_size=4,
    ).map(tuple),
    workers=st.integers(1, 2),
    concurrency=st.integers(1, 12),
)


@dataclass
class Run:
    """One call of a helper. ``end`` is how it ended: its step, ``timeout``, ``cancelled`` or ``killed``."""

    execution_id: str
    worker: str
    began: float
    ended: float | None = None
    end: str = ""


@dataclass
class World:
    """What all workers share."""

    history: History
    sqs: InMemorySqs
    store: InMemoryExecutions
    queue: FifoQueue
    dead_letters: FifoQueue
    urls: tuple[str, str]
    runs: list[Run] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    workers: list[SimulatedWorker] = field(default_factory=list)

    def group(self, execution_id: str) -> int:
        return self.history.scripts[int(execution_id)][0]

    def runs_of(self, execution_id: str) -> list[Run]:
        return [run for run in self.runs if run.execution_id == execution_id]


class ScriptedRunner:
    """Does what the history says for this run of the execution, and checks what must hold when a run begins."""

    timeout_seconds = TIMEOUT

    def __init__(self, world: World, worker: SimulatedWorker) -> None:
        self._world = world
        self._worker = worker

    async def run(self, execution: Execution) -> HelperOutput:
        world, now = self._world, asyncio.get_running_loop().time()
        earlier = world.runs_of(execution.execution_id)
        # Noted and not raised: the worker would take an assertion for a defect of the helper and go on.
        if not all(run.ended is not None for run in earlier):
            world.violations.append(f"{execution.execution_id} runs twice at once")
        for number in range(int(execution.execution_id)):
            before = world.store.items[str(number)]
            if world.group(str(number)) == world.group(execution.execution_id) and not before.is_terminal:
                world.violations.append(f"{execution.execution_id} overtook {number}")
        steps = world.history.scripts[int(execution.execution_id)][1]
        step = steps[min(len(earlier), len(steps) - 1)]
        run = Run(execution.execution_id, self._worker.name, now)
        world.runs.append(run)
        try:
            return await self._act(step)
        except asyncio.CancelledError:
            step = "timeout" if asyncio.get_running_loop().time() - now > TIMEOUT - 0.001 else "cancelled"
            raise
        finally:
            if run.ended is None:
                run.ended, run.end = asyncio.get_running_loop().time(), step

    async def _act(self, step: str) -> HelperOutput:
        await asyncio.sleep({"slow": VISIBILITY * 1.7, "hang": 1000.0}.get(step, 0.1))
        match step:
            case "retry":
                raise TransientFailure("again")
            case "retry_after":
                raise TransientFailure("again", retry_after=7)
            case "fail":
                raise PermanentFailure("never")
            case "exit":
                raise SystemExit(3)
        return HelperOutput.ok("done")

    async def ended(self, execution: Execution, *, duplicate: bool) -> None:
        if not execution.is_terminal:
            self._world.violations.append(f"{execution.execution_id} was said to have ended")


class SimulatedWorker:
    """One worker process: the real consumer on connections that can fail."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.world = world
        self.sqs = Connection(world.sqs)
        self.store = Connection(world.store)
        self.tasks: list[asyncio.Task[Any]] = []
        self.ended = False
        metrics = Metrics(enabled=False)
        self.permits = Permits(world.history.concurrency, ["probe"])
        self.consumer = Consumer(
            SourceQueue(self.sqs, "probe", *world.urls, visibility_seconds=VISIBILITY, wait_seconds=5),
            ScriptedRunner(world, self),
            self.store,
            self.permits,
            metrics,
            Policy(
                max_attempts=MAX_ATTEMPTS,
                lease_seconds=VISIBILITY,
                backoff_base_seconds=1,
                backoff_cap_seconds=10,
                cancel_grace_seconds=1,
            ),
            worker_id=name,
            linger_seconds=0.02,
            pooled=False,
            clock=LoopClock(),
        )
        self.heartbeat = Heartbeat([self.consumer.in_hand], self.store, metrics, visibility_seconds=VISIBILITY)

    def start(self) -> None:
        self.poller = asyncio.create_task(self.consumer.poller.run())
        self.acknowledger = asyncio.create_task(self.consumer.acknowledger.run())
        self.beats = asyncio.create_task(self.heartbeat.run())
        self.tasks = [self.poller, self.acknowledger, self.beats]

    def kill(self) -> None:
        """SIGKILL: nothing it still does reaches anybody, and its runs are over."""
        self.ended = True
        self.sqs.dead = self.store.dead = True
        now = asyncio.get_running_loop().time()
        for run in self.world.runs:
            if run.worker == self.name and run.ended is None:
                run.ended, run.end = now, "killed"

    async def terminate(self) -> None:
        """SIGTERM: the real drain, with the heartbeat going on."""
        self.ended = True
        drain = Drain([self.consumer], self.permits, [self.poller], [self.acknowledger], asyncio.Event())
        await drain.run(3.0, 6.0)
        self.kill()
        self.beats.cancel()

    async def trouble(self, trouble: Trouble) -> None:
        match trouble.what:
            case "kill":
                self.kill()
            case "terminate":
                await self.terminate()
            case "lose_handle":
                self.world.sqs.expire_visibility(self.world.urls[0])
            case _:
                sqs, store, lost = FAULTS[trouble.what]
                self.sqs.cut, self.store.cut = frozenset(sqs), frozenset(store)
                self.sqs.lose_answers = self.store.lose_answers = frozenset(lost)
                await asyncio.sleep(trouble.seconds)
                self.sqs.cut = self.store.cut = frozenset()
                self.sqs.lose_answers = self.store.lose_answers = frozenset()


TABLE = ("claim", "extend", "complete", "fail", "retry_later", "give_back")
SQS = ("receive_message", "delete_message_batch", "change_message_visibility_batch", "send_message")
FAULTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "cut_heartbeat": (("change_message_visibility_batch",), ("extend",), ()),
    "cut_deletes": (("delete_message_batch",), (), ()),
    "cut_table": ((), TABLE, ()),
    "lose_answers": ((), (), (*TABLE, "delete_message_batch", "change_message_visibility_batch")),
    "cut_all": (SQS, TABLE, ()),
}


async def live(history: History) -> World:
    """Play the history until all is quiet."""
    sqs = InMemorySqs()
    dead_url = (await sqs.create_queue("dead.fifo", {"DeduplicationScope": "messageGroup"}))["QueueUrl"]
    url = (await sqs.create_queue("probe.fifo", {"DeduplicationScope": "messageGroup"}))["QueueUrl"]
    store = InMemoryExecutions(LoopClock())
    world = World(history, sqs, store, sqs.queues[url], sqs.queues[dead_url], (url, dead_url))
    for number, (group, _steps) in enumerate(history.scripts):
        store.items[str(number)] = Execution(execution_id=str(number), helper_type="probe")
        await sqs.send_message(
            QueueUrl=url,
            MessageBody=f'{{"execution_id":"{number}","helper_type":"probe"}}',
            MessageGroupId=f"group-{group}",
            MessageDeduplicationId=str(number),
        )
    for number in range(history.workers):
        world.workers.append(SimulatedWorker(world, f"w{number}"))
        world.workers[-1].start()
    playing = [asyncio.create_task(_play(world, trouble)) for trouble in history.troubles]
    deadline = QUIET_AFTER + 110 * len(history.scripts)
    while not (all(item.is_terminal for item in store.items.values()) and not world.queue.messages()):
        await asyncio.sleep(1)
        stuck = [item.execution_id for item in store.items.values() if not item.is_terminal]
        assert asyncio.get_running_loop().time() < deadline, f"not settled: {stuck}, {world.queue.messages()}"
    await asyncio.gather(*playing)
    await asyncio.gather(*(worker.terminate() for worker in world.workers if not worker.ended))
    return world


async def _play(world: World, trouble: Trouble) -> None:
    await asyncio.sleep(trouble.at)
    alive = [worker for worker in world.workers if not worker.ended]
    worker = alive[trouble.worker % len(alive)]
    if trouble.what in ("kill", "terminate"):
        replacement = SimulatedWorker(world, f"w{len(world.workers)}")
        world.workers.append(replacement)
        replacement.start()
    await worker.trouble(trouble)


def check(world: World) -> None:
    """What must hold at the end."""
    assert world.violations == []
    troubles = {trouble.what for trouble in world.history.troubles}
    buried = {message.body for message in world.dead_letters.messages()}
    for execution_id, item in world.store.items.items():
        runs = world.runs_of(execution_id)
        succeeded = [run for run in runs if run.end in ("ok", "slow")]
        finished = [run for run in runs if run.end not in ("cancelled", "killed")]
        if item.status == "completed":
            assert succeeded, f"{execution_id} completed without a successful run"
        elif item.retryable:
            # A claim whose answer got lost counts, though nobody ran it.
            assert item.attempts >= MAX_ATTEMPTS
            assert any(f'"{execution_id}"' in body for body in buried), f"{execution_id} is not in the dead letters"
        else:
            assert runs[-1].end in ("fail", "exit")
        assert len(finished) <= MAX_ATTEMPTS, f"{execution_id} ran {len(finished)} times"
        if troubles <= {"terminate"}:
            assert len(succeeded) <= 1, f"{execution_id} took effect {len(succeeded)} times"
            assert item.attempts == len(finished), f"{execution_id}: {item.attempts} attempts, {len(finished)} runs"


@settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)
@given(histories)
def test_no_history_loses_an_execution_or_runs_it_twice_at_once_or_out_of_order(history: History) -> None:
    """Executions end, one run at a time, in the order of their group, with the attempts that were made."""
    with structlog.testing.capture_logs():
        world = virtual_time.run(live(history))
    check(world)


def test_an_attempt_that_times_out_as_its_lease_lapses_counts() -> None:
    """Found by a run of 50,000: the helper had all its time, so the interruption in the same moment is no excuse."""
    history = History(
        scripts=((0, ("slow",)), (0, ("ok",)), (0, ("hang",))),
        troubles=(Trouble(6.0, "cut_deletes", 0, 20.0), Trouble(52.0, "cut_heartbeat", 0, 6.0)),
        workers=2,
        concurrency=1,
    )
    with structlog.testing.capture_logs():
        world = virtual_time.run(live(history))

    check(world)
    assert [run.end for run in world.runs_of("2")] == ["timeout"] * MAX_ATTEMPTS


def test_a_claim_whose_answer_was_lost_gets_a_whole_lease_before_it_is_worked_on() -> None:
    """Found by a run of 50,000: what was left of its lease ended before the first heartbeat, and another took over."""
    history = History(
        scripts=((0, ("slow",)),),
        troubles=(Trouble(19.0, "lose_handle", 0, 1.0), Trouble(0.03125, "lose_answers", 0, 10.0)),
        workers=2,
        concurrency=1,
    )
    with structlog.testing.capture_logs():
        world = virtual_time.run(live(history))

    check(world)
