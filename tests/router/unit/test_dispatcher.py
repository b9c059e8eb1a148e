"""Sending: every answer inspected, order kept whatever fails in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fleet.metrics import Metrics
from fleet.testing.streams.faults import client_error
from fleet.testing.virtual_time import LoopClock
from router.dispatcher import Dispatcher
from router.outbox import DEAD_LETTERS, Entry, Outbox
from router.testing import RecordingSqs
from router.testing.queues import SendFault

QUEUE = "https://sqs/tag-it"


class Graves:
    """Dead letters, written down; the first ``failures`` attempts fail."""

    def __init__(self) -> None:
        self.buried: list[Entry] = []
        self.failures = 0

    async def bury(self, entry: Entry) -> None:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise client_error("SendMessage", "ServiceUnavailable")
        self.buried.append(entry)


class Bench:
    """A dispatcher at work."""

    def __init__(self) -> None:
        self.outbox = Outbox("TRIM_HORIZON")
        self.sqs: Any = RecordingSqs()
        self.graves = Graves()
        self.metrics = Metrics(enabled=False)
        self.may_send = True
        self.dispatcher = Dispatcher(
            self.outbox,
            self,  # type: ignore[arg-type] - forwards to whatever sqs is set
            self.graves,
            self.metrics,
            LoopClock(),
            may_send=lambda: self.may_send,
            sends_in_flight=4,
        )
        self.task = asyncio.create_task(self.dispatcher.run())

    async def send_message_batch(self, **request: Any) -> Any:
        return await self.sqs.send_message_batch(**request)

    def add(self, *entries: Entry) -> None:
        self.outbox.add_page(entries, entries[-1].sequence_number)
        self.dispatcher.wake()

    async def settle(self, seconds: float = 120.0) -> None:
        async with asyncio.timeout(seconds):
            while self.outbox.pages:
                self.dispatcher.progress.clear()
                if self.outbox.pages:
                    await self.dispatcher.progress.wait()

    def delivered(self, group: str) -> list[str]:
        return [sent.deduplication_id for sent in self.sqs.delivered if sent.group_id == group]


def entry(number: int, group: str = "g", body: str = "") -> Entry:
    return Entry(str(number), QUEUE, group, {}, f"exec:{number}", "tag_it", str(number), body or f"body {number}")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.task.cancel()
    await asyncio.gather(bench.task, return_exceptions=True)


@pytest.mark.parametrize("fault", ["throttled", "entries", "lost", "unanswered", "unanswered_half"])
async def test_a_group_stays_in_order_whatever_a_send_does(bench: Bench, fault: SendFault) -> None:
    """Batch entries fail, calls are refused, answers are lost after the messages were taken."""
    bench.sqs.faults.extend([fault] * 3)
    bench.add(*(entry(number, f"g{number % 3}") for number in range(30)))
    await bench.settle()

    for group in range(3):
        assert bench.delivered(f"g{group}") == [str(number) for number in range(group, 30, 3)]


async def test_groups_that_did_not_fail_do_not_wait(bench: Bench) -> None:
    """A slow group holds up nobody else: the others are through before its retry."""
    failing = {"first": True}

    async def send(**request: Any) -> Any:
        answer = await RecordingSqs.send_message_batch(bench.sqs, **request)
        if failing.pop("first", False):
            answer["Successful"] = answer["Successful"][1:]
            answer["Failed"] = [{"Id": "0", "Code": "InternalError", "SenderFault": False}]
        return answer

    bench.sqs.send_message_batch = send
    entries = [entry(1, "slow"), entry(2, "a"), entry(3, "b"), entry(4, "a")]
    bench.add(*entries)
    await asyncio.sleep(0.001)

    assert [each.sequence_number for each in entries if not each.done] == ["1"]


async def test_an_entry_that_the_answer_does_not_mention_is_sent_again(bench: Bench) -> None:
    """Not accepted is not sent."""
    answers = [{"Successful": []}, None]

    async def send(**request: Any) -> Any:
        return answers.pop(0) or await RecordingSqs.send_message_batch(bench.sqs, **request)

    bench.sqs.send_message_batch = send
    bench.add(entry(1))
    await bench.settle()

    assert bench.delivered("g") == ["1"]


async def test_a_message_the_queue_refuses_is_buried_and_its_group_goes_on(bench: Bench) -> None:
    """The sender's fault does not pass with time."""
    bench.sqs.refused_bodies.add("bad")
    bench.add(entry(1), entry(2, body="bad"), entry(3))
    await bench.settle()

    assert bench.delivered("g") == ["1", "3"]
    assert [(each.sequence_number, each.execution_id) for each in bench.graves.buried] == [("2", "exec:2")]
    assert "InvalidMessageContents" in bench.graves.buried[0].reason


async def test_of_a_call_that_is_refused_as_a_whole_only_the_faulty_entry_is_buried(bench: Bench) -> None:
    """Some services refuse the whole call for one bad entry: each is then tried alone."""

    async def send(**request: Any) -> Any:
        if any(each["MessageBody"] == "bad" for each in request["Entries"]):
            raise client_error("SendMessageBatch", "InvalidParameterValue")
        return await RecordingSqs.send_message_batch(bench.sqs, **request)

    bench.sqs.send_message_batch = send
    bench.add(entry(1, "a"), entry(2, "b", body="bad"), entry(3, "c"), entry(4, "b"))
    await bench.settle()

    assert [each.sequence_number for each in bench.graves.buried] == ["2"]
    assert sorted(sent.deduplication_id for sent in bench.sqs.delivered) == ["1", "3", "4"]


async def test_a_queue_that_does_not_exist_gets_some_tries_and_then_stops_nothing(bench: Bench) -> None:
    """A queue that was just made may not be known everywhere; one that is missing is an alarm, not a stuck shard."""
    bench.sqs.missing.add(QUEUE)
    bench.add(entry(1), entry(2))
    await bench.settle()

    assert [each.sequence_number for each in bench.graves.buried] == ["1", "2"]
    assert bench.metrics.totals["QueueMissing"] == 2


async def test_a_dead_letter_that_could_not_be_buried_is_tried_again(bench: Bench) -> None:
    """The page waits for it."""
    bench.graves.failures = 2
    bench.add(Entry("1", DEAD_LETTERS, "1", {}, reason="no queue"))
    await bench.settle()

    assert len(bench.graves.buried) == 1


async def test_nothing_is_sent_under_a_lapsed_lease_until_it_is_renewed(bench: Bench) -> None:
    """Found by a random history: after the renewal nobody woke the dispatcher."""
    bench.may_send = False
    bench.add(entry(1))
    await asyncio.sleep(30)
    assert bench.sqs.sent == []

    bench.may_send = True
    await bench.settle(1.0)
    assert bench.delivered("g") == ["1"]


async def test_calls_run_next_to_each_other_up_to_the_limit(bench: Bench) -> None:
    """Four calls of ten in one latency, not more."""
    bench.sqs.latency_seconds = 1.0
    bench.add(*(entry(number, f"g{number}") for number in range(50)))
    await asyncio.sleep(1.5)
    assert len(bench.sqs.sent) == 40
    await bench.settle()
    assert len(bench.sqs.sent) == 50


async def test_an_unexpected_error_ends_the_dispatcher(bench: Bench) -> None:
    """A bug is not retried in silence."""

    async def send(**request: Any) -> Any:
        raise ZeroDivisionError

    bench.sqs.send_message_batch = send
    bench.add(entry(1))
    with pytest.raises(ZeroDivisionError):
        await bench.task
