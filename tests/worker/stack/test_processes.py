"""Worker processes on the embedded stack."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import time
from typing import Any

import pytest

pytestmark = pytest.mark.stack

# The full proof by hand: WORKER_CHAOS_SECONDS=60 WORKER_CHAOS_EXECUTIONS=5000
CHAOS_SECONDS = float(os.environ.get("WORKER_CHAOS_SECONDS", "8"))
CHAOS_EXECUTIONS = int(os.environ.get("WORKER_CHAOS_EXECUTIONS", "400"))
CHAOS_CONTACTS = CHAOS_EXECUTIONS // 10
# A worker at work shows the next run long before; it writes a result within milliseconds of the effect.
UNWRITTEN_NANOSECONDS = 1_000_000_000


async def test_every_outcome_ends_where_it_belongs(stack: Any) -> None:
    """Success, failure, a helper that exits or returns nonsense, poison: none stops the worker."""
    worker = stack.start_worker()
    await worker.ready()
    effects = ("fail", "exit", "nonsense", "succeed")
    executions = [stack.execution("c1", effect=effect) for effect in effects]
    await stack.enqueue(executions)
    await stack.aws.sqs.send_message(
        QueueUrl=stack.queue_url, MessageBody="not json", MessageGroupId="poison", MessageDeduplicationId="poison"
    )

    stored = await stack.settled(executions)

    assert [one.status for one in stored] == ["failed", "failed", "failed", "completed"]
    assert [one.error_type for one in stored] == ["PermanentFailure", "HelperCrashed", "HelperCrashed", ""]
    assert json.loads(stored[3].output)["message"] == "done"
    letters = await stack.wait_dead_letters(1)
    assert letters[0]["Body"] == "not json"
    assert letters[0]["MessageAttributes"]["error_type"]["StringValue"] == "Poison"
    worker.signal(signal.SIGTERM)
    assert await worker.wait() == 0


async def test_an_exhausted_execution_fails_and_is_dead_lettered_with_its_facts(stack: Any) -> None:
    """Three attempts, then status failed and a dead letter that says what happened."""
    worker = stack.start_worker()
    await worker.ready()
    execution = stack.execution("c1", effect="retry")
    behind = stack.execution("c1")
    await stack.enqueue([execution, behind])

    failed, completed = await stack.settled([execution, behind])

    assert (failed.status, failed.attempts, failed.retryable) == ("failed", 3, True)
    assert completed.status == "completed"
    (letter,) = await stack.wait_dead_letters(1)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["execution_id"] == execution.execution_id
    assert attributes["error_type"] == "TransientFailure"
    assert attributes["attempts"] == "3"
    assert attributes["first_attempt_at"] < attributes["last_attempt_at"]
    runs = stack.journal()
    assert [run.execution_id for run in runs] == [execution.execution_id] * 3 + [behind.execution_id]


async def test_a_second_sigterm_changes_nothing(stack: Any) -> None:
    """The drain goes on, the running helper finishes, the exit code is 0."""
    worker = stack.start_worker()
    await worker.ready()
    execution = stack.execution("c1", seconds=1.0)
    await stack.enqueue([execution])
    await stack.wait_running(execution)
    worker.signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    worker.signal(signal.SIGTERM)

    assert await worker.wait() == 0
    (stored,) = await stack.settled([execution])
    assert (stored.status, stored.attempts) == ("completed", 1)


async def test_a_helper_that_outlasts_the_drain_is_given_back_and_runs_elsewhere_at_once(stack: Any) -> None:
    """The attempt does not count, and nobody waits for a visibility timeout."""
    first = stack.start_worker(WORKER_DRAIN_RUNNING_SECONDS="0.5", WORKER_VISIBILITY_SECONDS="900")
    await first.ready()
    execution = stack.execution("c1", seconds=2.0)
    await stack.enqueue([execution])
    await stack.wait_running(execution)
    first.signal(signal.SIGTERM)
    assert await first.wait() == 0
    stack.start_worker()

    (stored,) = await stack.settled([execution])

    assert (stored.status, stored.attempts) == ("completed", 1)


async def test_a_blocking_helper_is_logged_with_its_stack(stack: Any) -> None:
    """The log names the execution and the line that blocks."""
    worker = stack.start_worker(WORKER_BLOCKED_LOOP_SECONDS="0.2", WORKER_VISIBILITY_SECONDS="30")
    await worker.ready()
    execution = stack.execution("c1", effect="block", seconds=1.0)
    await stack.enqueue([execution])
    await stack.settled([execution])

    events = [event for event in worker.events() if event["event"] == "event_loop_blocked"]

    assert execution.execution_id in events[0]["running"]
    assert "time.sleep" in events[0]["stack"]


async def test_a_pause_is_obeyed_without_a_restart(stack: Any) -> None:
    """A control document with paused=true stops the polling; without it the work goes on."""
    worker = stack.start_worker(WORKER_CONTROL_POLL_SECONDS="0.2", WORKER_WAIT_TIME_SECONDS="0")
    await worker.ready()
    await stack.control({"paused": True})
    await worker.wait_event("control_applied")
    # The receive under way is a short poll and ends before the message is there.
    await asyncio.sleep(1.0)
    execution = stack.execution("c1")
    await stack.enqueue([execution])
    await asyncio.sleep(1.0)
    assert stack.journal() == []
    await stack.control({"paused": False, "concurrency": 5})

    (stored,) = await stack.settled([execution])

    assert stored.status == "completed"


@pytest.mark.embedded("LocalStack frees a group whose first message timed out while others of it are in flight")
async def test_nothing_is_lost_repeated_or_reordered_while_workers_die(stack: Any) -> None:
    """Three workers, kill -9 and SIGTERM at random: all end, once at a time, in order."""
    dice = random.Random(7)
    executions = [stack.execution(f"c{n % CHAOS_CONTACTS}", seconds=0.01) for n in range(CHAOS_EXECUTIONS)]
    workers = [stack.start_worker() for _ in range(3)]
    await asyncio.gather(*(worker.ready() for worker in workers))
    feeding = asyncio.create_task(_feed(stack, executions))
    killed: set[int] = set()
    end = time.monotonic() + CHAOS_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(dice.uniform(0.3, 1.5))
        victim = dice.randrange(3)
        number = dice.choice((signal.SIGKILL, signal.SIGTERM))
        polling = workers[victim].health() == 200
        workers[victim].signal(number)
        if number == signal.SIGKILL:
            killed.add(workers[victim].process.pid)
        exit_code = await workers[victim].wait()
        # Python itself ends on a SIGTERM that comes while the worker is still being imported.
        drained = {0} if polling else {0, -signal.SIGTERM}
        assert exit_code in ({-signal.SIGKILL} if number == signal.SIGKILL else drained)
        workers[victim] = stack.start_worker()
    await feeding
    await asyncio.gather(*(worker.ready() for worker in workers))
    stored = await stack.settled(executions, 60 + CHAOS_SECONDS)
    for worker in workers:
        worker.signal(signal.SIGTERM)
    assert [await worker.wait() for worker in workers] == [0, 0, 0]

    assert {one.status for one in stored} == {"completed"}
    check_runs(stack, executions, killed)


async def _feed(stack: Any, executions: list[Any]) -> None:
    for start in range(0, len(executions), 50):
        await stack.enqueue(executions[start : start + 50])
        await asyncio.sleep(CHAOS_SECONDS * 0.8 * 50 / len(executions))


def check_runs(stack: Any, executions: list[Any], killed: set[int]) -> None:
    """No two runs of a contact at once, in order of sending, one effect unless its worker was killed in it."""
    position = {execution.execution_id: n for n, execution in enumerate(executions)}
    overlaps = reordered = 0
    for runs in stack.by_contact().values():
        for earlier, later in itertools.pairwise(runs):
            overlaps += earlier.ended is not None and later.began < earlier.ended
            reordered += position[later.execution_id] < position[earlier.execution_id]
    effects: dict[str, list[Any]] = {execution.execution_id: [] for execution in executions}
    for run in sorted(stack.journal(), key=lambda run: run.began):
        if run.ended is not None:
            effects[run.execution_id].append(run)
    last_sign: dict[int, int] = {}
    for run in stack.journal():
        last_sign[run.pid] = max(last_sign.get(run.pid, 0), run.ended or run.began)

    def cut_off(run: Any) -> bool:
        """Its worker was killed before it could write the result: it gave no sign much after the effect."""
        return run.pid in killed and last_sign[run.pid] - run.ended < UNWRITTEN_NANOSECONDS

    repeated = [runs for runs in effects.values() if not all(cut_off(run) for run in runs[:-1])]
    assert (overlaps, reordered, len(repeated)) == (0, 0, 0)
    assert all(effects.values())
