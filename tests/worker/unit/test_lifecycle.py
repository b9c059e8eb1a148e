"""Polling, deletes, drain: starts and ends of everything that runs for long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from fleet.metrics import Metrics
from helpers.contract import HelperOutput

MakeRig = Callable[..., Awaitable[Any]]


def takes(seconds: float) -> Callable[[Any], Awaitable[HelperOutput]]:
    async def act(_execution: Any) -> HelperOutput:
        await asyncio.sleep(seconds)
        return HelperOutput.ok("done")

    return act


async def test_an_idle_queue_has_one_poller_that_waits_long(make_rig: MakeRig) -> None:
    """One receive per wait time, whatever the concurrency."""
    rig = await make_rig(concurrency=100)
    rig.start()
    await asyncio.sleep(49)

    assert len(rig.calls("ReceiveMessage")) == 10
    await rig.drain()


async def test_more_pollers_start_while_full_batches_return(make_rig: MakeRig) -> None:
    """Up to concurrency / 10 receives at a time for a backlog, one again when it is gone."""
    rig = await make_rig(concurrency=40)
    for number in range(200):
        await rig.send(str(number), takes(1), group=f"g{number}")
    rig.start()
    await rig.until(lambda: rig.permits.in_use() == 40, 2)
    await rig.until_empty()
    before = len(rig.calls("ReceiveMessage"))
    await asyncio.sleep(50)

    assert len(rig.calls("ReceiveMessage")) - before <= 10 + 4
    await rig.drain()


async def test_an_outage_of_the_queue_is_told_ever_more_rarely(make_rig: MakeRig) -> None:
    """A pool polls a hundred queues: an hour without SQS must not bury the logs. Work goes on by itself."""
    rig = await make_rig()
    await rig.send("1")
    rig.connection.cut = frozenset({"receive_message"})
    with structlog.testing.capture_logs() as logs:
        rig.start()
        await asyncio.sleep(3600)
    told = [line["failures"] for line in logs if line["event"] == "receive_failed"]
    rig.connection.cut = frozenset()
    await rig.until_empty(60)

    assert told == [2**step for step in range(len(told))]
    assert 6 <= len(told) <= 10
    assert rig.item("1").status == "completed"
    await rig.drain()


async def test_nothing_is_received_that_cannot_start(make_rig: MakeRig) -> None:
    """With two permits at most two groups are in hand, and no receive goes out while both are used."""
    rig = await make_rig(concurrency=2)
    for number in range(6):
        await rig.send(str(number), takes(1), group=f"g{number}")
    rig.start()
    most = 0
    while rig.queue.messages():
        most = max(most, rig.queue.counts(rig.sqs._now())[1] - len(rig.consumer.acknowledger._buffer))
        await asyncio.sleep(0.05)

    assert most <= 4  # two at work, two whose delete is on its way
    assert {call["MaxNumberOfMessages"] for call in rig.calls("ReceiveMessage")} <= {1, 2}
    await rig.drain()


async def test_a_failed_receive_is_repeated_under_the_same_attempt_id(make_rig: MakeRig) -> None:
    """What SQS handed out to the lost answer is handed out again."""
    rig = await make_rig(visibility=900)
    await rig.send("1")
    rig.connection.lose_answers = frozenset({"receive_message"})
    rig.start()
    await asyncio.sleep(0.01)
    rig.connection.lose_answers = frozenset()

    assert await rig.until_empty() < 30
    ids = [call["ReceiveRequestAttemptId"] for call in rig.calls("ReceiveMessage")]
    assert ids[0] == ids[1]
    assert len(rig.runs) == 1
    await rig.drain()


async def test_deletes_share_requests(make_rig: MakeRig) -> None:
    """Thirty messages that end together are deleted with three or four requests."""
    rig = await make_rig(concurrency=30)
    for number in range(30):
        await rig.send(str(number), takes(1), group=f"g{number}")
    rig.start()
    await rig.until_empty()

    assert len(rig.calls("DeleteMessageBatch")) <= 4
    await rig.drain()


async def test_only_the_failed_deletes_of_a_batch_are_repeated(make_rig: MakeRig) -> None:
    """Entries are inspected one by one."""
    rig = await make_rig()
    for number in range(3):
        await rig.send(str(number), group=f"g{number}")
    chosen = rig.queue.messages()[1].message_id
    told: list[str] = []

    def fault(operation: str, message_id: str | None) -> str | None:
        if operation == "DeleteMessageBatch" and message_id == chosen and not told:
            told.append(chosen)
            return "InternalError"
        return None

    rig.sqs.fault = fault
    rig.start()
    await rig.until_empty()

    assert sorted(len(call["Entries"]) for call in rig.calls("DeleteMessageBatch")) == [1, 3]
    assert rig.metrics.totals["DeleteFailures"] == 1
    await rig.drain()


async def test_a_drain_lets_running_helpers_finish(make_rig: MakeRig) -> None:
    """Within T1; their results are written and their messages deleted."""
    rig = await make_rig()
    await rig.send("1", takes(5))
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)

    assert await rig.drain(running_seconds=10)
    assert rig.item("1").status == "completed"
    assert rig.queue.messages() == []


async def test_a_drain_gives_back_at_once_what_has_not_started(make_rig: MakeRig) -> None:
    """The rest of a group is visible for others before the running message ends."""
    rig = await make_rig()
    await rig.send("1", takes(8))
    await rig.send("2")
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    draining = asyncio.create_task(rig.drain(running_seconds=10))
    await asyncio.sleep(0.5)

    (second,) = [message for message in rig.queue.messages() if '"2"' in message.body]
    assert not second.in_flight(rig.sqs._now())
    await draining
    assert [execution_id for execution_id, _ in rig.runs] == ["1"]


async def test_a_helper_that_outlasts_t1_is_cancelled_and_given_back(make_rig: MakeRig) -> None:
    """Its attempt does not count and its message is visible at once."""
    rig = await make_rig()
    await rig.send("1", takes(50))
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    began = asyncio.get_running_loop().time()

    assert await rig.drain(running_seconds=5, flush_seconds=5)
    assert asyncio.get_running_loop().time() - began < 6
    assert (rig.item("1").status, rig.item("1").attempts) == ("queued", 0)
    assert not rig.queue.messages()[0].in_flight(rig.sqs._now())


@pytest.mark.parametrize("seconds", [0, 3])
async def test_a_drain_in_a_hurry_cancels_the_helpers_at_once(make_rig: MakeRig, seconds: float) -> None:
    """Without a heartbeat their leases end, and others would run the same executions; also when it dies meanwhile."""
    rig = await make_rig()
    await rig.send("1", takes(50))
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    began = asyncio.get_running_loop().time()
    asyncio.get_running_loop().call_later(seconds, rig.hurry.set)

    assert await rig.drain(running_seconds=40, flush_seconds=5)

    assert asyncio.get_running_loop().time() - began < seconds + 1
    assert (rig.item("1").status, rig.item("1").attempts) == ("queued", 0)


async def test_a_drain_never_cancels_a_receive(make_rig: MakeRig) -> None:
    """It lets the long poll end and releases what it brings."""
    rig = await make_rig(visibility=900)
    rig.start()
    await asyncio.sleep(0.1)
    draining = asyncio.create_task(rig.drain(running_seconds=10))
    await asyncio.sleep(1)
    await rig.send("late")
    assert await draining

    assert rig.sqs.abandoned_polls == 0
    assert rig.runs == []
    assert not rig.queue.messages()[0].in_flight(rig.sqs._now())


async def test_a_drain_is_bounded_when_nothing_answers_any_more(make_rig: MakeRig) -> None:
    """T1 + T2, then the process ends whatever is left, and says so."""
    rig = await make_rig()
    await rig.send("1", takes(50))
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    rig.connection.dead = rig.table.dead = True
    began = asyncio.get_running_loop().time()

    assert not await asyncio.wait_for(_drain_only(rig), 30)
    assert asyncio.get_running_loop().time() - began <= 10.1
    for task in rig.tasks:
        task.cancel()
    await asyncio.gather(*rig.tasks, return_exceptions=True)


async def _drain_only(rig: Any) -> bool:
    from worker.drain import Drain

    drain = Drain([rig.consumer], rig.permits, [rig.poller], [rig.acknowledger], rig.hurry)
    return await drain.run(5, 5)


async def test_starts_and_stops_leave_no_task_behind(make_rig: MakeRig) -> None:
    """Ten rounds of fifty workers that start and drain at once, some before their first poll."""
    dice = random.Random(3)
    for _round in range(10):
        rigs = [await make_rig() for _ in range(50)]
        for rig in rigs[:10]:
            await rig.send("1", takes(dice.uniform(0, 2)))

        async def live(rig: Any) -> None:
            rig.start()
            await asyncio.sleep(dice.choice((0, 0, 0.0005, 0.5)))
            await rig.drain(running_seconds=1, flush_seconds=2)

        await asyncio.gather(*(live(rig) for rig in rigs))
        # The double's own timers and polls are not the worker's.
        names = {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]
        assert names == set()
        assert sum(rig.sqs.abandoned_polls for rig in rigs) == 0


async def test_metrics_name_what_an_operator_asks_for(make_rig: MakeRig) -> None:
    """Batch size, queue delay, handler time by outcome, redelivered and released are all recorded."""
    lines: list[str] = []
    rig = await make_rig()
    metrics = Metrics(write=lines.append)
    for part in (rig.consumer.in_hand, rig.consumer.poller, rig.consumer.processor, rig.consumer.acknowledger):
        part._metrics = metrics
    await rig.send("1")
    rig.start()
    await rig.until_empty()
    await rig.drain()
    metrics.flush()

    text = "".join(lines)
    for name in ("ReceiveBatchSize", "QueueDelay", "HandlerTime"):
        assert f'"{name}"' in text
    assert '"outcome":"Succeeded"' in text
