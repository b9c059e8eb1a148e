"""Several helper types in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import HelperOutput
from worker.permits import Permits

MakeRig = Callable[..., Awaitable[Any]]


async def one_second(_execution: Any) -> HelperOutput:
    await asyncio.sleep(1)
    return HelperOutput.ok("done")


async def test_a_flood_in_one_type_does_not_starve_the_others(make_rig: MakeRig) -> None:
    """Ten messages of a quiet type are done in a few seconds although 300 of another type came before them."""
    permits = Permits(10, ["flood", "quiet", "idle"])
    flood, quiet, idle = [await make_rig(helper_type=name, permits=permits) for name in ("flood", "quiet", "idle")]
    for number in range(300):
        await flood.send(str(number), one_second, group=f"g{number}")
    for rig in (flood, quiet, idle):
        rig.start()
    await asyncio.sleep(10)
    for number in range(10):
        await quiet.send(str(number), one_second, group=f"g{number}")
    sent = asyncio.get_running_loop().time()

    assert await quiet.until_empty() - sent < 5
    assert len(flood.queue.messages()) > 100
    await asyncio.gather(*(rig.drain() for rig in (flood, quiet, idle)))
    assert permits.in_use() == 0


async def test_a_flood_uses_what_is_idle(make_rig: MakeRig) -> None:
    """All permits but one for each idle queue work for the flood."""
    permits = Permits(10, ["flood", "quiet", "idle"])
    flood, quiet, idle = [await make_rig(helper_type=name, permits=permits) for name in ("flood", "quiet", "idle")]
    for number in range(80):
        await flood.send(str(number), one_second, group=f"g{number}")
    for rig in (flood, quiet, idle):
        rig.start()

    assert await flood.until_empty() < 80 / 8 * 1.3
    await asyncio.gather(*(rig.drain() for rig in (flood, quiet, idle)))


async def test_an_idle_queue_of_a_pool_asks_for_one_message(make_rig: MakeRig) -> None:
    """So that its long poll holds nothing but its own permit."""
    permits = Permits(10, ["flood", "quiet"])
    quiet = await make_rig(helper_type="quiet", permits=permits)
    quiet.start()
    await asyncio.sleep(20)

    assert {call["MaxNumberOfMessages"] for call in quiet.calls("ReceiveMessage")} == {1}
    await quiet.drain()
