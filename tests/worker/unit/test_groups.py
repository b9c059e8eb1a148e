"""Message groups: serial inside, parallel outside, nothing overtakes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import HelperOutput
from helpers.errors import PermanentFailure, TransientFailure

MakeRig = Callable[..., Awaitable[Any]]


def takes(seconds: float) -> Callable[[Any], Awaitable[HelperOutput]]:
    async def act(_execution: Any) -> HelperOutput:
        await asyncio.sleep(seconds)
        return HelperOutput.ok("done")

    return act


def fails(error: Exception) -> Callable[[Any], Awaitable[HelperOutput]]:
    async def act(_execution: Any) -> HelperOutput:
        raise error

    return act


async def test_a_group_is_serial_and_groups_are_parallel(make_rig: MakeRig) -> None:
    """Two groups of three one-second runs take about three seconds, not six and not one."""
    rig = await make_rig()
    for number in range(3):
        await rig.send(f"a{number}", takes(1), group="a")
        await rig.send(f"b{number}", takes(1), group="b")
    rig.start()

    ended = await rig.until(lambda: all(item.is_terminal for item in rig.store.items.values()))

    assert 3 <= ended < 3.5
    assert [execution_id for execution_id, _ in rig.runs if execution_id[0] == "a"] == ["a0", "a1", "a2"]
    await rig.drain()


async def test_the_rest_of_a_failed_group_comes_back_with_it_in_one_call(make_rig: MakeRig) -> None:
    """One ChangeMessageVisibilityBatch with the same timeout for the failed message and those behind it."""
    rig = await make_rig()
    await rig.send("1", fails(TransientFailure("later", retry_after=7)), takes(0))
    for execution_id in ("2", "3"):
        await rig.send(execution_id)
    rig.start()
    await rig.until_empty()

    (release,) = [call for call in rig.calls("ChangeMessageVisibilityBatch") if len(call["Entries"]) == 3]

    assert {entry["VisibilityTimeout"] for entry in release["Entries"]} == {7}
    assert [execution_id for execution_id, _ in rig.runs] == ["1", "1", "2", "3"]
    await rig.drain()


async def test_no_group_waits_for_a_whole_visibility_timeout(make_rig: MakeRig) -> None:
    """After a retry in 2 s the group goes on in 2 s, although the timeout is 900 s."""
    rig = await make_rig(visibility=900)
    await rig.send("1", fails(TransientFailure("later", retry_after=2)), takes(0))
    await rig.send("2")
    rig.start()

    assert await rig.until_empty() < 5
    await rig.drain()


async def test_a_permanent_failure_lets_the_group_go_on_at_once(make_rig: MakeRig) -> None:
    """It is deleted, not retried, and does not go to the dead letters."""
    rig = await make_rig()
    await rig.send("1", fails(PermanentFailure("never")))
    await rig.send("2")
    rig.start()

    assert await rig.until_empty() < 1
    assert (rig.item("1").status, rig.item("1").attempts) == ("failed", 1)
    assert rig.item("2").status == "completed"
    assert rig.dead_letters.messages() == []
    await rig.drain()


async def test_a_later_receive_of_a_group_at_work_waits_behind_it(make_rig: MakeRig) -> None:
    """A group whose messages came with two receives still runs one at a time, in order, and fails as one."""
    rig = await make_rig(concurrency=3)
    await rig.send("1", takes(0.5), group="a")
    for number in range(2, 6):
        await rig.send(str(number), takes(0.5), group="a")
    rig.start()
    # Handles expire on the side of SQS: what is in hand is handed out a second time.
    await rig.until(lambda: len(rig.runs) == 1)
    rig.sqs.expire_visibility(rig.url)
    await rig.until_empty()

    starts = [started for _, started in rig.runs]
    assert [execution_id for execution_id, _ in rig.runs] == ["1", "2", "3", "4", "5"]
    assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(starts))
    await rig.drain()


async def test_a_redelivered_message_in_hand_only_renews_its_handle(make_rig: MakeRig) -> None:
    """The run goes on under the new receipt handle and is not repeated."""
    rig = await make_rig()
    await rig.send("1", takes(20))
    rig.start()
    await rig.until(lambda: len(rig.runs) == 1)
    rig.sqs.expire_visibility(rig.url)
    await rig.until_empty()

    assert len(rig.runs) == 1
    assert (rig.item("1").status, rig.item("1").attempts) == ("completed", 1)
    await rig.drain()
