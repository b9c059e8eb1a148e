"""Permits and their fair sharing."""

from __future__ import annotations

import asyncio

import pytest

from worker.permits import Permits


async def test_a_wait_ends_with_what_is_free() -> None:
    """Up to the number wanted, at least one."""
    permits = Permits(7, ["a"])

    assert await permits.acquire("a", 5) == 5
    assert await permits.acquire("a", 5) == 2


async def test_nothing_is_granted_beyond_the_capacity() -> None:
    """A wait goes on until a permit is given back."""
    permits = Permits(3, ["a"])
    await permits.acquire("a", 3)
    waiting = asyncio.create_task(permits.acquire("a", 2))
    await asyncio.sleep(0)
    assert not waiting.done()

    permits.release("a", 1)

    assert await waiting == 1


async def test_every_queue_of_a_pool_has_a_permit_of_its_own() -> None:
    """A flood in one queue leaves one permit for each of the others."""
    permits = Permits(10, ["flood", "quiet", "calm"])

    assert await permits.acquire("flood", 10) == 8
    assert await permits.acquire("quiet", 10) == 1
    assert await permits.acquire("calm", 10) == 1


async def test_a_freed_permit_goes_to_the_queue_with_the_fewest() -> None:
    """The flood asked first, and waits behind the queue that holds less."""
    permits = Permits(4, ["flood", "quiet"])
    await permits.acquire("flood", 3)
    await permits.acquire("quiet", 1)
    flood = asyncio.create_task(permits.acquire("flood", 1))
    quiet = asyncio.create_task(permits.acquire("quiet", 1))
    await asyncio.sleep(0)

    permits.release("flood", 1)
    await asyncio.sleep(0)

    assert (flood.done(), quiet.done()) == (False, True)
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)


async def test_a_flood_and_a_quiet_queue_converge_to_equal_shares() -> None:
    """When both always want more, each ends up with half."""
    permits = Permits(20, ["flood", "late"])
    held = {"flood": await permits.acquire("flood", 20), "late": 0}

    async def want(queue: str) -> None:
        for _ in range(200):
            held[queue] += await permits.acquire(queue, 1)
            await asyncio.sleep(0)
            if held[queue] > 1:
                held[queue] -= 1
                permits.release(queue, 1)

    async def let_go() -> None:
        while held["flood"] > 1:
            held["flood"] -= 1
            permits.release("flood", 1)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(want("flood")), asyncio.create_task(want("late"))]
    await let_go()
    await asyncio.gather(*tasks)

    assert permits.in_use("late") >= 1


async def test_a_cancelled_wait_takes_nothing() -> None:
    """Neither a wait in line nor one that was granted at that moment."""
    permits = Permits(1, ["a"])
    await permits.acquire("a", 1)
    waiting = asyncio.create_task(permits.acquire("a", 1))
    await asyncio.sleep(0)
    permits.release("a", 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert permits.in_use() == 0


async def test_closed_permits_answer_every_wait_with_zero() -> None:
    """Now and later: nobody receives any more."""
    permits = Permits(1, ["a"])
    await permits.acquire("a", 1)
    waiting = asyncio.create_task(permits.acquire("a", 1))
    await asyncio.sleep(0)

    permits.close()

    assert await waiting == 0
    assert await permits.acquire("a", 1) == 0


async def test_a_paused_queue_waits_and_reserves_nothing() -> None:
    """Limit 0 until the limit is lifted."""
    permits = Permits(2, ["a", "b"])
    permits.limit("a", 0)
    waiting = asyncio.create_task(permits.acquire("a", 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await permits.acquire("b", 2) == 2

    permits.release("b", 1)
    permits.limit("a", None)

    assert await waiting == 1


async def test_permits_come_back_once() -> None:
    """Giving back more than is held is a defect and says so."""
    permits = Permits(2, ["a"])
    await permits.acquire("a", 1)
    permits.release("a", 1)

    with pytest.raises(ValueError, match="gives back 1"):
        permits.release("a", 1)


async def test_the_capacity_is_at_least_one_per_queue() -> None:
    """Else a queue would never be polled."""
    assert Permits(1, ["a", "b", "c"]).capacity == 3
