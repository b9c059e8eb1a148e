"""The bugs of Shoryuken 7.0.3's changelog, a catalogue of what goes wrong in SQS consumers: none may come back here.

https://github.com/ruby-shoryuken/shoryuken/blob/main/CHANGELOG.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fleet.envelope import deduplication_id
from fleet.execution import new_execution_id
from fleet.health_server import HealthServer
from fleet.service import Process
from helpers.contract import HelperOutput
from helpers.errors import PermanentFailure

MakeRig = Callable[..., Awaitable[Any]]


async def hang(_execution: Any) -> HelperOutput:
    await asyncio.sleep(10_000)
    return HelperOutput.ok("never")


async def test_unbounded_graceful_stop(make_rig: MakeRig) -> None:
    """A helper that does not end cannot hold the stop: T1 + T2 bound it."""
    rig = await make_rig()
    rig.timeout_seconds = 20_000.0
    await rig.send("1", hang)
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    began = asyncio.get_running_loop().time()

    await rig.drain(running_seconds=3, flush_seconds=3)

    assert asyncio.get_running_loop().time() - began <= 6


async def test_second_stop_deadlocks() -> None:
    """Stopping twice, and failing after a stop, is the same as stopping once."""
    process = Process(HealthServer("worker", "127.0.0.1", 0))
    process.stop("SIGTERM")
    process.stop("SIGTERM")

    async with asyncio.timeout(1):
        await process.stopping.wait()
        await process.close()
        await process.close()
    assert process.failure is None


async def test_busy_counter_decremented_twice(make_rig: MakeRig) -> None:
    """Failures, successes and losses all give their permit back exactly once: all are free in the end."""
    rig = await make_rig(concurrency=7)

    async def fail(_execution: Any) -> HelperOutput:
        raise PermanentFailure("never")

    for number in range(30):
        await rig.send(str(number), *([fail] if number % 3 else []), group=f"g{number % 4}")
    rig.start()
    await rig.until(lambda: len(rig.runs) > 5)
    rig.sqs.expire_visibility(rig.url)
    await rig.until_empty()
    await rig.drain()

    assert rig.permits.in_use() == 0
    assert len(rig.consumer.in_hand) == 0


async def test_of_several_batch_delete_failures_only_the_first_is_logged(make_rig: MakeRig, logs: list[Any]) -> None:
    """Every failed entry has its log line and its count."""
    rig = await make_rig()
    for number in range(4):
        await rig.send(str(number), group=f"g{number}")
    bad = {message.message_id for message in rig.queue.messages()[1:]}
    told: set[str] = set()

    def fault(operation: str, message_id: str | None) -> str | None:
        if operation == "DeleteMessageBatch" and message_id in bad - told:
            told.add(str(message_id))
            return "InternalError"
        return None

    rig.sqs.fault = fault
    rig.start()
    await rig.until_empty()

    assert {entry["message_id"] for entry in logs if entry["event"] == "delete_failed"} == bad
    assert rig.metrics.totals["DeleteFailures"] == 3
    await rig.drain()


async def test_content_deduplication_silently_drops_repeated_jobs(make_rig: MakeRig) -> None:
    """The same work asked for twice is two executions: their ids deduplicate, not their content."""
    first, second = new_execution_id(), new_execution_id()
    assert deduplication_id(first) != deduplication_id(second)

    rig = await make_rig()
    for execution_id in (first, second):
        await rig.send(execution_id)
    rig.start()
    await rig.until_empty()

    assert [execution_id for execution_id, _ in rig.runs] == [first, second]
    await rig.drain()


async def test_retry_middleware_hides_non_retryable_errors(make_rig: MakeRig) -> None:
    """A permanent error is neither retried nor swallowed: it is stored with its type and text."""

    async def refuse(_execution: Any) -> HelperOutput:
        raise PermanentFailure("no such field")

    rig = await make_rig()
    await rig.send("1", refuse)
    rig.start()
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert (rig.item("1").error_type, rig.item("1").error_message) == ("PermanentFailure", "no such field")
    await rig.drain()
