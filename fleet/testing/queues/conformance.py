# ruff: noqa: S101 - a conformance suite is made of assertions
"""What every implementation of an SQS FIFO queue must do for the fleet: run on the double and on the emulators.

Subclass it in a test module and give it the fixture ``queues``, a :class:`QueueFactory`.

    class TestDouble(FifoConformance): ...
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any


class QueueFactory:
    """Makes queues on one implementation. ``slack`` is how late, in seconds, its timers may be."""

    def __init__(self, sqs: Any, *, slack: float = 0.5) -> None:
        self.sqs = sqs
        self.slack = slack

    async def create(self, **attributes: str) -> str:
        """A FIFO queue of its own with the fleet's attributes."""
        answer = await self.sqs.create_queue(
            QueueName=f"q-{uuid.uuid4().hex[:12]}.fifo",
            Attributes={
                "FifoQueue": "true",
                "VisibilityTimeout": "30",
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
                **attributes,
            },
        )
        return str(answer["QueueUrl"])

    async def with_dead_letters(self, max_receives: int) -> tuple[str, str]:
        """A queue and its dead-letter queue."""
        dead = await self.create()
        arn = (await self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"]))["Attributes"][
            "QueueArn"
        ]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receives})
        return await self.create(RedrivePolicy=policy), dead

    async def send(self, url: str, *bodies: str, group: str = "g") -> None:
        """Send in this order, each under an id of its own."""
        for body in bodies:
            await self.sqs.send_message(
                QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=uuid.uuid4().hex
            )

    async def receive(self, url: str, limit: int = 10, wait: int = 0, **request: Any) -> list[Mapping[str, Any]]:
        """One receive with the attributes that the worker asks for."""
        answer = await self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["MessageGroupId", "SentTimestamp", "ApproximateReceiveCount"],
            **request,
        )
        return list(answer.get("Messages", []))


def _bodies(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def _entries(messages: Sequence[Mapping[str, Any]], **common: Any) -> list[dict[str, Any]]:
    return [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], **common} for n, m in enumerate(messages)]


class FifoConformance:
    """The suite."""

    async def test_a_group_comes_in_the_order_of_sending(self, queues: QueueFactory) -> None:
        """One receive brings the messages of a group in order."""
        url = await queues.create()
        await queues.send(url, "1", "2", "3")

        assert _bodies(await queues.receive(url)) == ["1", "2", "3"]

    async def test_a_group_with_a_message_in_flight_is_blocked_and_others_are_not(self, queues: QueueFactory) -> None:
        """What is behind a message in flight waits; another group does not."""
        url = await queues.create()
        await queues.send(url, "a1", "a2", group="a")
        await queues.send(url, "b1", group="b")

        first = await queues.receive(url, 1)
        second = await queues.receive(url)

        assert _bodies(first) == ["a1"]
        assert _bodies(second) == ["b1"]

    async def test_a_delete_unblocks_the_group(self, queues: QueueFactory) -> None:
        """After the delete of the message in flight the next one is delivered."""
        url = await queues.create()
        await queues.send(url, "1", "2")
        (first,) = await queues.receive(url, 1)

        await queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])

        assert _bodies(await queues.receive(url)) == ["2"]

    async def test_a_release_brings_the_group_back_in_order(self, queues: QueueFactory) -> None:
        """Visibility 0 for a whole batch: all come again, in order, with their receives counted."""
        url = await queues.create()
        await queues.send(url, "1", "2", "3")
        messages = await queues.receive(url)

        answer = await queues.sqs.change_message_visibility_batch(
            QueueUrl=url, Entries=_entries(messages, VisibilityTimeout=0)
        )
        again = await queues.receive(url)

        assert not answer.get("Failed")
        assert _bodies(again) == ["1", "2", "3"]
        assert {message["Attributes"]["ApproximateReceiveCount"] for message in again} == {"2"}

    async def test_messages_hidden_to_the_same_moment_come_back_together(self, queues: QueueFactory) -> None:
        """A failed message and the rest of its group, postponed in one call, are delivered in one receive."""
        url = await queues.create()
        await queues.send(url, "1", "2", "3")
        messages = await queues.receive(url)
        await queues.sqs.change_message_visibility_batch(QueueUrl=url, Entries=_entries(messages, VisibilityTimeout=1))
        assert await queues.receive(url) == []

        await asyncio.sleep(1 + queues.slack)

        assert _bodies(await queues.receive(url)) == ["1", "2", "3"]

    async def test_a_visibility_timeout_ends(self, queues: QueueFactory) -> None:
        """A message that nobody deletes comes again after the timeout of its receive."""
        url = await queues.create()
        await queues.send(url, "1")
        await queues.receive(url, VisibilityTimeout=1)
        assert await queues.receive(url) == []

        await asyncio.sleep(1 + queues.slack)

        assert _bodies(await queues.receive(url)) == ["1"]

    async def test_an_extension_keeps_a_message_hidden(self, queues: QueueFactory) -> None:
        """The heartbeat's call moves the end of the visibility timeout."""
        url = await queues.create()
        await queues.send(url, "1")
        messages = await queues.receive(url, VisibilityTimeout=1)
        await queues.sqs.change_message_visibility_batch(QueueUrl=url, Entries=_entries(messages, VisibilityTimeout=20))

        await asyncio.sleep(1 + queues.slack)

        assert await queues.receive(url) == []

    async def test_an_old_handle_of_a_redelivered_message_deletes_nothing(self, queues: QueueFactory) -> None:
        """The entry is refused, the message stays."""
        url = await queues.create()
        await queues.send(url, "1")
        old = await queues.receive(url, VisibilityTimeout=1)
        await asyncio.sleep(1 + queues.slack)
        new = await queues.receive(url, VisibilityTimeout=1)

        answer = await queues.sqs.delete_message_batch(QueueUrl=url, Entries=_entries(old))
        await asyncio.sleep(1 + queues.slack)

        assert [failed["Id"] for failed in answer.get("Failed", [])] == ["0"]
        assert _bodies(new) == _bodies(await queues.receive(url)) == ["1"]

    async def test_a_bad_entry_fails_alone(self, queues: QueueFactory) -> None:
        """A batch with one refused entry answers 200 and carries out the others."""
        url = await queues.create()
        await queues.send(url, "a", group="a")
        await queues.send(url, "b", group="b")
        messages = await queues.receive(url)
        entries = _entries(messages)
        entries[1]["ReceiptHandle"] = "no-handle-of-this-queue"

        try:
            answer = await queues.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        finally:
            attributes = await queues.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])

        assert [done["Id"] for done in answer["Successful"]] in (["0"], ["0", "1"])
        assert attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"

    async def test_a_repeated_id_is_dropped_within_its_group(self, queues: QueueFactory) -> None:
        """Even after the first message was deleted."""
        url = await queues.create()

        async def send() -> None:
            await queues.sqs.send_message(
                QueueUrl=url, MessageBody="a", MessageGroupId="a", MessageDeduplicationId="same"
            )

        await send()
        await send()
        messages = await queues.receive(url)
        await queues.sqs.delete_message_batch(QueueUrl=url, Entries=_entries(messages))
        await send()

        assert _bodies(messages) == ["a"]
        assert await queues.receive(url) == []

    async def test_the_same_id_in_another_group_is_another_message(self, queues: QueueFactory) -> None:
        """Deduplication is per group."""
        url = await queues.create()
        for group in ("a", "b"):
            await queues.sqs.send_message(
                QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId="same"
            )

        assert sorted(_bodies(await queues.receive(url))) == ["a", "b"]

    async def test_a_message_received_too_often_moves_to_the_dead_letters(self, queues: QueueFactory) -> None:
        """The receive after the last allowed one brings the next message instead."""
        url, dead = await queues.with_dead_letters(2)
        await queues.send(url, "1", "2")
        for _ in range(2):
            messages = await queues.receive(url, 1)
            await queues.sqs.change_message_visibility_batch(
                QueueUrl=url, Entries=_entries(messages, VisibilityTimeout=0)
            )

        assert _bodies(await queues.receive(url, 1)) == ["2"]
        assert _bodies(await queues.receive(dead)) == ["1"]

    async def test_a_long_poll_wakes_for_a_message(self, queues: QueueFactory) -> None:
        """A message sent while a poll waits ends the wait."""
        url = await queues.create()
        poll = asyncio.create_task(queues.receive(url, wait=10))
        await asyncio.sleep(0.2)
        await queues.send(url, "1")

        async with asyncio.timeout(5):
            assert _bodies(await poll) == ["1"]

    async def test_a_cancelled_long_poll_swallows_a_message(self, queues: QueueFactory) -> None:
        """Why the worker never cancels a receive: its message is invisible for the whole visibility timeout."""
        url = await queues.create(VisibilityTimeout="2")
        poll = asyncio.create_task(queues.receive(url, wait=10))
        await asyncio.sleep(0.2)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        await queues.send(url, "1")
        await asyncio.sleep(0.3)

        assert await queues.receive(url) == []
        await asyncio.sleep(2 + queues.slack)
        assert _bodies(await queues.receive(url, wait=1)) == ["1"]

    async def test_consumers_at_once_keep_every_group_in_order(self, queues: QueueFactory) -> None:
        """Four consumers, each deleting what it got: nothing twice, every group in order."""
        url = await queues.create()
        for number, group in itertools.product(range(6), "abcde"):
            await queues.send(url, f"{group}{number}", group=group)
        seen: list[str] = []

        async def consume() -> None:
            while messages := await queues.receive(url, 3, wait=1):
                seen.extend(_bodies(messages))
                await queues.sqs.delete_message_batch(QueueUrl=url, Entries=_entries(messages))

        await asyncio.gather(*(consume() for _ in range(4)))

        for group in "abcde":
            assert [body for body in seen if body[0] == group] == [f"{group}{number}" for number in range(6)]
