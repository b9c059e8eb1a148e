"""What the queue double does beyond the conformance suite: limits of AWS that no emulator has."""

from __future__ import annotations

import asyncio

import pytest
from botocore.exceptions import ClientError

from fleet.testing import virtual_time
from fleet.testing.queues import FifoQueue, InMemorySqs, QueueAttributes, QueueRefused


def test_120_000_messages_may_be_in_flight_and_one_more_is_not_delivered() -> None:
    """FIFO queues answer with nothing at the limit, not with an error."""
    queue = FifoQueue("q.fifo", QueueAttributes(deduplication_per_group=True))
    for number in range(120_001):
        queue.send("body", f"g{number}", "id", 0)
    received = [message for _ in range(12_000) for message in queue.receive(10, 1)]

    assert len({message.message_id for message in received}) == 120_000
    assert queue.receive(10, 1) == []
    queue.delete(received[0].handle, 2)
    assert len(queue.receive(10, 2)) == 1


def test_the_same_attempt_id_brings_the_same_messages() -> None:
    """For five minutes, and only while none of them has changed."""
    queue = FifoQueue("q.fifo", QueueAttributes())
    queue.send("1", "g", "1", 0)
    first = queue.receive(10, 1, attempt_id="a")

    assert queue.receive(10, 2, attempt_id="a") == first
    assert queue.receive(10, 2, attempt_id="b") == []
    queue.change_visibility(first[0].handle, 0, 3)
    assert queue.receive(10, 4, attempt_id="a")[0].receive_count == 2


def test_twelve_hours_after_the_receive_nothing_stays_hidden() -> None:
    """Extensions count from the receive."""
    queue = FifoQueue("q.fifo", QueueAttributes())
    queue.send("1", "g", "1", 0)
    (message,) = queue.receive(1, 0, visibility_seconds=43_200)

    queue.change_visibility(message.handle, 200, 43_000)
    with pytest.raises(QueueRefused, match="43200"):
        queue.change_visibility(message.handle, 201, 43_000)


def test_what_is_before_a_hidden_message_may_be_delivered_and_nothing_after_it() -> None:
    """A release of the first of three brings the first alone."""
    queue = FifoQueue("q.fifo", QueueAttributes())
    for body in "123":
        queue.send(body, "g", body, 0)
    messages = queue.receive(2, 1)
    queue.change_visibility(messages[0].handle, 0, 2)

    assert [message.body for message in queue.receive(10, 3)] == ["1"]


def test_a_group_is_taken_first_as_far_as_it_goes() -> None:
    """One receive brings as many messages of one group as possible."""
    queue = FifoQueue("q.fifo", QueueAttributes())
    for number in range(8):
        queue.send(f"a{number}", "a", f"a{number}", 0)
        queue.send(f"b{number}", "b", f"b{number}", 0)

    assert [message.group for message in queue.receive(10, 1)] == ["a"] * 8 + ["b"] * 2


def test_the_deduplication_window_is_five_minutes() -> None:
    """The same id is a new message afterwards."""
    queue = FifoQueue("q.fifo", QueueAttributes())
    first = queue.send("1", "g", "id", 0)

    assert queue.send("1", "g", "id", 299) is first
    assert queue.send("1", "g", "id", 300) is not first


async def test_a_batch_can_fail_in_part_when_told_to() -> None:
    """The fault names operation and entry; the others succeed."""
    sqs = InMemorySqs(fault=lambda _operation, entry: "InternalError" if entry == "2" else None)
    url = (await sqs.create_queue("q.fifo"))["QueueUrl"]
    answer = await sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": number, "MessageBody": number, "MessageGroupId": "g", "MessageDeduplicationId": number}
            for number in "123"
        ],
    )

    assert [entry["Id"] for entry in answer["Successful"]] == ["1", "3"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["2"]


async def test_requests_that_sqs_refuses_are_refused() -> None:
    """Batches of none or eleven, a wait of 21 s, an unknown queue."""
    sqs = InMemorySqs()
    url = (await sqs.create_queue("q.fifo"))["QueueUrl"]
    for request in (
        sqs.delete_message_batch(QueueUrl=url, Entries=[]),
        sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": "h"} for n in range(11)]),
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=21),
        sqs.receive_message(QueueUrl="https://nowhere", WaitTimeSeconds=1),
    ):
        with pytest.raises(ClientError):
            await request


async def test_a_cancelled_poll_is_counted() -> None:
    """So that a test can assert that the worker leaves none behind."""
    sqs = InMemorySqs()
    url = (await sqs.create_queue("q.fifo"))["QueueUrl"]
    poll = asyncio.create_task(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))
    await asyncio.sleep(1)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)

    assert sqs.abandoned_polls == 1


def test_virtual_time_reports_a_deadlock() -> None:
    """Instead of hanging the test run."""
    with pytest.raises(virtual_time.Deadlock):
        virtual_time.run(_wait_for_ever())


async def _wait_for_ever() -> None:
    await asyncio.Event().wait()


def test_virtual_hours_cost_no_real_time() -> None:
    """A day passes in the order of its timers."""

    async def day() -> float:
        await asyncio.gather(*(asyncio.sleep(hour * 3600) for hour in range(24)))
        return asyncio.get_running_loop().time()

    assert virtual_time.run(day()) == 23 * 3600
