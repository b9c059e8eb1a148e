"""Shards end, split, come late and are trimmed while a fleet of routers reads them.

Complaints of users of other stream consumers, one test each.
"""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from router.leases import SHARD_END
from router.testing import Simulation
from router.testing.simulation import SETTINGS
from tests.router.unit.fleet_view import fill, lease


async def test_a_consumer_does_not_go_idle_when_children_are_listed_late(simulation: Simulation) -> None:
    """adapter#20, KCL#442: shard ended, children not listed yet, nothing looked again."""
    simulation.start()
    fill(simulation, 10)
    await asyncio.sleep(5)
    simulation.table.split(listed_after=2.0)
    fill(simulation, 10)
    await simulation.settle(seconds=20)

    simulation.check()


async def test_children_that_are_listed_after_all_tries_are_found_by_the_full_sync(simulation: Simulation) -> None:
    """The ended parent learns of them as well."""
    simulation.start()
    parent = simulation.table.open_shards()[0]
    fill(simulation, 3)
    await asyncio.sleep(5)
    child = simulation.table.roll(listed_after=60.0)
    fill(simulation, 3)
    await asyncio.sleep(30)
    assert lease(simulation, parent).ended
    assert lease(simulation, parent).children == ()

    await simulation.settle(seconds=90)
    simulation.check()
    await asyncio.sleep(SETTINGS.router_sync_seconds * 2)
    assert lease(simulation, parent).children == (lease(simulation, child).key,)


async def test_child_leases_exist_before_shard_end_is_written(simulation: Simulation) -> None:
    """A crash in between loses no child."""
    simulation.start()
    fill(simulation, 3)
    await asyncio.sleep(3)
    children = simulation.table.split()
    await asyncio.sleep(10)

    stored = [(each.shard_id, each.checkpoint) for each in simulation.leases.history]
    end = next(index for index, (_, checkpoint) in enumerate(stored) if checkpoint == SHARD_END)
    assert {shard_id for shard_id, _ in stored[:end]} >= set(children)


async def test_no_child_is_read_before_its_parent_has_ended(simulation: Simulation) -> None:
    """A first start on a stream that has rolled twice reads generation after generation, in order."""
    fill(simulation, 20)
    simulation.table.split()
    fill(simulation, 20)
    simulation.table.roll()
    fill(simulation, 20)
    simulation.start()
    simulation.start()
    await simulation.settle(seconds=60)

    simulation.check()


async def test_a_stream_that_was_reenabled_twice_is_read_without_a_restart(simulation: Simulation) -> None:
    """Found by a random history: the stream in the middle is never the table's latest one."""
    simulation.start()
    await asyncio.sleep(5)
    for _ in range(3):
        fill(simulation, 6)
        simulation.table.disable()
        simulation.table.enable()
    fill(simulation, 6)
    await simulation.settle(seconds=120)

    simulation.check()


async def test_a_shard_that_was_trimmed_with_its_stream_does_not_block_the_next(simulation: Simulation) -> None:
    """The old stream is not there any more: its lease ends, loudly, and the new one is read."""
    simulation.start()
    await asyncio.sleep(3)
    await simulation.kill_all()
    old = simulation.table.stream_arn or ""
    simulation.table.disable()
    simulation.table.enable()
    simulation.table.forget(old)
    fill(simulation, 5)
    with capture_logs() as logs:
        simulation.start()
        await simulation.settle(seconds=60)

    simulation.check()
    assert "shard_gone" in [entry["event"] for entry in logs]


async def test_an_ended_lease_is_deleted_a_day_later_and_never_replayed(simulation: Simulation) -> None:
    """adapter 1.5: leases deleted too early replayed the lineage."""
    simulation.settings = SETTINGS.model_copy(
        update={
            "router_idle_poll_seconds": 10.0,
            "router_failover_seconds": 300.0,
            "router_lease_scan_seconds": 60.0,
            "router_sync_seconds": 600.0,
            "router_schedule_poll_seconds": 60.0,
        }
    )
    simulation.start()
    fill(simulation, 4)
    await asyncio.sleep(30)
    parent = simulation.table.open_shards()[0]
    simulation.table.roll()
    fill(simulation, 4)
    await simulation.settle()
    simulation.table.trim(parent)
    await asyncio.sleep(3600)
    assert lease(simulation, parent).ended
    sent = len(simulation.sqs.sent)

    await asyncio.sleep(25 * 3600)
    assert not any(key.endswith(parent) for key in simulation.leases.leases)
    assert len(simulation.sqs.sent) == sent
