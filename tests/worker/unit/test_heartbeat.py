"""The heartbeat: what it extends, what it notices, what it gives up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import HelperOutput
from worker.heartbeat import plan
from worker.message import Message
from worker.outcomes import Interruption

MakeRig = Callable[..., Awaitable[Any]]


def message(*, received_at: float = 0.0, visible_until: float = 60.0, lease_until: float = math.inf) -> Message:
    return Message("m", "h", "g", "{}", 0.0, 1, received_at, visible_until, lease_until=lease_until)


async def sleep_20(_execution: Any) -> HelperOutput:
    await asyncio.sleep(20)
    return HelperOutput.ok("done")


async def sleep_long(_execution: Any) -> HelperOutput:
    await asyncio.sleep(100)
    return HelperOutput.ok("done")


def test_a_young_message_waits_for_the_next_beat() -> None:
    """More than five sixths are left: an extension would only cost a request."""
    assert plan([message(visible_until=60)], 5, 60).extend == []


def test_what_is_a_third_old_is_extended() -> None:
    """The regular case."""
    due = message(visible_until=60)

    assert plan([due], 20, 60).extend == [due]


def test_what_could_not_be_extended_is_given_up_before_it_is_visible() -> None:
    """With less than a quarter left, by visibility or by lease, the work ends while nobody else can have it."""
    hidden = message(visible_until=60)
    leased = message(visible_until=200, lease_until=60)

    assert plan([hidden, leased], 46, 60).overdue == [hidden, leased]


def test_twelve_hours_after_its_receive_a_message_is_given_up() -> None:
    """SQS refuses more; 15 s before the ceiling there is no room for another third."""
    old = message(received_at=0, visible_until=43_200)

    assert plan([old], 43_200 - 15, 60).over_ceiling == [old]


async def test_messages_that_have_not_started_are_kept_hidden_too(make_rig: MakeRig) -> None:
    """The whole group in hand is extended in one batch, so it is never delivered a second time."""
    rig = await make_rig()
    for execution_id in ("1", "2", "3"):
        await rig.send(execution_id, sleep_20)
    rig.start()
    await rig.until_empty()

    assert len(rig.runs) == 3
    assert max(len(call["Entries"]) for call in rig.calls("ChangeMessageVisibilityBatch")) == 3
    assert {item.attempts for item in rig.store.items.values()} == {1}
    await rig.drain()


async def test_a_lost_handle_cancels_the_group_at_once_and_says_why(make_rig: MakeRig, logs: list[Any]) -> None:
    """The run is cancelled, its attempt given back, the rest of the group let go."""
    rig = await make_rig(concurrency=1)
    await rig.send("1", sleep_long)
    await rig.send("2")
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    stored = rig.queue.messages()[0]
    stored.handle = "taken-by-somebody-else"

    await rig.until(lambda: rig.item("1").status == "queued", 10)

    assert rig.item("1").attempts == 0
    assert any(entry["event"] == "message_lost" and entry["reason"] == Interruption.HANDLE_LOST for entry in logs)
    assert [execution_id for execution_id, _ in rig.runs] == ["1"]
    await rig.drain(0, 1)


async def test_a_hanging_connection_ends_the_work_before_its_lease_does(make_rig: MakeRig) -> None:
    """Extensions that never return count as failed; the helper is cancelled while the lease still holds."""
    rig = await make_rig()
    await rig.send("1", sleep_long)
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    began = asyncio.get_running_loop().time()
    rig.connection.cut = frozenset({"change_message_visibility_batch"})
    rig.table.cut = frozenset({"extend"})

    ended = await rig.until(lambda: not rig.consumer.processor.running, 20)

    assert ended < began + rig.visibility
    await rig.drain(0, 1)


async def test_a_lease_that_went_to_another_worker_cancels_the_run(make_rig: MakeRig, logs: list[Any]) -> None:
    """The refusal of the extension tells; nothing of the other worker's execution is overwritten."""
    rig = await make_rig()
    await rig.send("1", sleep_long)
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    rig.store.items["1"] = rig.item("1").model_copy(update={"worker_id": "other", "attempts": 2})

    await rig.until(lambda: not rig.consumer.processor.running, 20)

    assert (rig.item("1").worker_id, rig.item("1").attempts) == ("other", 2)
    assert any(entry["event"] == "lease_lost" for entry in logs)
    await rig.drain(0, 1)
