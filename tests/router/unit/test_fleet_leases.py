"""Leases of a fleet of routers: divided, taken over, handed over, lost.

Complaints of users of other stream consumers, one test each.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.leases import SCHEDULER_KEY, Lease
from router.testing import Simulation
from tests.router.unit.fleet_view import FAILOVER, fill, lease, owners


async def test_shards_are_divided_fairly_when_routers_join(simulation: Simulation) -> None:
    """One after the other, by hand-over: nothing is sent twice on the way."""
    simulation.table.split()
    simulation.table.split()
    simulation.table.split()
    fill(simulation, 40)
    simulation.start()
    await simulation.settle()
    simulation.start()
    await asyncio.sleep(60)
    assert sorted(owners(simulation).values()) == [2, 2]
    simulation.start()
    await asyncio.sleep(60)
    assert sorted(owners(simulation).values()) == [1, 1, 2]
    fill(simulation, 40)
    await simulation.settle()

    simulation.check()
    assert len(simulation.sqs.sent) == len(simulation.sqs.delivered)


async def test_a_killed_routers_shards_are_taken_over_after_the_failover_time(simulation: Simulation) -> None:
    """Within failover + 5 s records flow again."""
    victim = simulation.start()
    await asyncio.sleep(5)
    simulation.start()
    await asyncio.sleep(5)
    await simulation.kill(victim.name)
    fill(simulation, 5)
    await simulation.settle(seconds=FAILOVER + 5)

    simulation.check()


async def test_a_stopped_router_hands_over_at_the_exact_next_record(simulation: Simulation) -> None:
    """SIGTERM in mid-stream: done in under 5 s, and no record is sent twice."""
    first = simulation.start()
    await asyncio.sleep(5)
    simulation.start()
    simulation.sqs.latency_seconds = 0.3
    fill(simulation, 60, contacts=30)
    await asyncio.sleep(1)
    begun = asyncio.get_running_loop().time()
    await simulation.stop(first.name)
    assert asyncio.get_running_loop().time() - begun < 5
    await simulation.settle()

    simulation.check()
    assert len(simulation.sqs.sent) == len(simulation.sqs.delivered)


async def test_a_handover_that_cannot_drain_starts_the_successor_at_the_first_unsent_record(
    simulation: Simulation,
) -> None:
    """The queue does not answer: the time is bounded, nothing is lost."""
    first = simulation.start()
    await asyncio.sleep(5)
    fill(simulation, 10)
    simulation.sqs.faults.extend(["throttled"] * 200)
    await asyncio.sleep(2)
    begun = asyncio.get_running_loop().time()
    await simulation.stop(first.name)
    assert asyncio.get_running_loop().time() - begun < 5
    simulation.sqs.faults.clear()
    simulation.start()
    await simulation.settle()

    simulation.check()


async def test_a_paused_router_cannot_checkpoint_over_its_successor(simulation: Simulation) -> None:
    """SIGSTOP for three failover times in mid-page, then SIGCONT: the checkpoint only grows (checked on each write)."""
    paused = simulation.start()
    await asyncio.sleep(5)
    simulation.start()
    simulation.sqs.latency_seconds = 0.2
    fill(simulation, 40)
    await asyncio.sleep(0.5)
    paused.pause()
    await asyncio.sleep(FAILOVER * 3)
    fill(simulation, 10)
    paused.resume()
    await simulation.settle()

    simulation.check()
    assert paused.name not in owners(simulation)


async def test_a_router_that_was_paused_and_not_replaced_goes_on(simulation: Simulation) -> None:
    """Found by a random history: its lease lapsed on its own clock, was renewed, and nobody woke the sender."""
    nodes = [simulation.start(), simulation.start()]
    await asyncio.sleep(3)
    fill(simulation, 3)
    for node in nodes:
        node.pause()
    await asyncio.sleep(FAILOVER + 2)
    for node in nodes:
        node.resume()
    await simulation.settle(seconds=30)

    simulation.check()


async def test_a_request_by_a_router_that_died_holds_nothing_up_for_long(simulation: Simulation) -> None:
    """The lease is released for it, and taken by another after the failover time."""
    simulation.table.split()
    keeper = simulation.start()
    fill(simulation, 10)
    await simulation.settle()
    thief = simulation.start()
    async with asyncio.timeout(30):
        while not any(each.successor == thief.name for each in simulation.leases.leases.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # virtual time
    await simulation.kill(thief.name)
    await asyncio.sleep(FAILOVER * 2 + 5)
    fill(simulation, 10)
    await simulation.settle(seconds=20)

    simulation.check()
    assert owners(simulation) == {keeper.name: 2}


async def test_a_lease_that_is_not_handed_over_is_taken_after_the_failover_time(simulation: Simulation) -> None:
    """The owner renews and does not react: KCL#1765, an expired hand-off never taken."""
    simulation.table.split()
    simulation.start()
    fill(simulation, 10)
    await simulation.settle()
    stubborn = simulation.nodes[next(iter(simulation.nodes))]
    for holding in stubborn.router.coordinator.holdings.values():
        holding.held.wanted.set = lambda: None  # type: ignore[method-assign]
    newcomer = simulation.start()
    await asyncio.sleep(FAILOVER * 3)

    assert owners(simulation) == {stubborn.name: 1, newcomer.name: 1}


async def test_a_consumer_that_crashes_gives_its_lease_to_another_router(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in one shard's reader stops neither the process nor, for good, the shard."""
    node = simulation.start()
    await asyncio.sleep(5)
    other = simulation.start()
    await asyncio.sleep(5)
    holding = next(holding for key, holding in node.router.coordinator.holdings.items() if key != SCHEDULER_KEY)

    def broken(*_: Any) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(holding.consumer.reader, "_age", broken)  # type: ignore[attr-defined]
    fill(simulation, 5)
    await simulation.settle(seconds=30)

    simulation.check()
    assert owners(simulation) == {other.name: 1}
    assert node.metrics.totals["ConsumersCrashed"] == 1
    assert not node.task.done()


async def test_a_lease_table_that_does_not_answer_stops_sending_in_time_and_nothing_else(
    simulation: Simulation,
) -> None:
    """Without renewals another router may own the shard: stop before that, go on when the table is back."""
    node = simulation.start()
    await asyncio.sleep(5)
    simulation.leases.failures = 10**6
    await asyncio.sleep(FAILOVER + 5)
    fill(simulation, 5)
    await asyncio.sleep(60)
    assert simulation.sqs.sent == []
    assert not node.router.health().healthy

    simulation.leases.failures = 0
    await simulation.settle(seconds=20)
    simulation.check()
    assert node.router.health().healthy


async def test_a_renewal_that_hangs_does_not_cost_the_other_leases(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call without an answer is given up in time for the next round."""
    left, right = simulation.table.split()
    node = simulation.start()
    await asyncio.sleep(5)
    swap = simulation.leases.swap

    async def hang(old: Lease, new: Lease) -> None:
        if new.shard_id == left:
            await asyncio.sleep(600)
        await swap(old, new)

    monkeypatch.setattr(simulation.leases, "swap", hang)
    await asyncio.sleep(FAILOVER * 3)

    assert lease(simulation, right).owner == node.name
    held = node.router.coordinator.holdings[lease(simulation, right).key].held
    assert held.age_seconds() < FAILOVER / 2
