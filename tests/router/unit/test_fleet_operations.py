"""What an operator sees of a fleet: poison, new queues, health, metrics, events.

Complaints of users of other stream consumers, one test each.
"""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from router.leases import lease_key
from router.testing import Simulation
from router.testing.simulation import SETTINGS
from tests.router.unit.fleet_view import fill


async def test_a_poison_record_is_buried_whole_its_execution_failed_and_the_shard_goes_on(
    simulation: Simulation,
) -> None:
    """Lambda's default blocks the shard for a day and keeps a pointer that expires."""
    simulation.start()
    simulation.insert("contact-1")
    poison = simulation.insert("contact-1", helper_type="no_such_helper")
    simulation.insert("contact-1")
    simulation.table.put_record({"eventName": "INSERT", "dynamodb": {"Keys": {}}}, partition="contact-1")
    await simulation.settle(seconds=30)
    await asyncio.sleep(2)

    simulation.check()
    reasons = [letter["MessageAttributes"]["reason"]["StringValue"] for letter in simulation.sqs.dead_letters]
    assert len(reasons) == 2
    assert "no queue for helper type 'no_such_helper'" in reasons[0]
    assert poison.execution_id in simulation.sqs.dead_letters[0]["MessageBody"]
    assert simulation.table.items[poison.execution_id]["status"] == "failed"
    assert "no_such_helper" in simulation.table.items[poison.execution_id]["error_message"]


async def test_a_helper_type_that_is_added_is_routed_without_a_restart(simulation: Simulation) -> None:
    """The directory is asked for every record."""
    simulation.start()
    await asyncio.sleep(5)
    simulation.directory.urls["new_it"] = "https://sqs/new-it"
    simulation.insert("contact-1", helper_type="new_it")
    await simulation.settle(seconds=20)

    simulation.check()
    assert simulation.sqs.delivered[-1].queue_url == "https://sqs/new-it"


async def test_a_shard_that_does_not_move_while_records_wait_is_unhealthy(simulation: Simulation) -> None:
    """And healthy again when it moves."""
    node = simulation.start()
    await asyncio.sleep(5)
    assert node.router.health().healthy
    simulation.sqs.faults.extend(["throttled"] * 100_000)
    fill(simulation, 3)
    await asyncio.sleep(SETTINGS.router_stall_seconds + 10)
    assert not node.router.health().healthy
    assert list(node.router.health().details["stalled"]) == [
        lease_key(simulation.table.stream_arn or "", simulation.table.open_shards()[0])
    ]

    simulation.sqs.faults.clear()
    await simulation.settle(seconds=30)
    assert node.router.health().healthy


async def test_the_metrics_tell_what_was_read_routed_filtered_and_buried(simulation: Simulation) -> None:
    """As totals of the process and, per shard, as a snapshot."""
    node = simulation.start()
    fill(simulation, 7)
    simulation.insert("contact-1", helper_type="no_such_helper")
    await simulation.settle(seconds=30)
    await asyncio.sleep(5)
    node.router.report()
    snapshot = node.router.snapshot()

    totals = snapshot["totals"]
    # The failed execution's own write comes back on the stream and is filtered.
    assert (totals["RecordsRead"], totals["RecordsRouted"]) == (9, 7)
    assert (totals["RecordsFiltered"], totals["QueueMissing"], totals["LeaseCount"]) == (1, 1, 1)
    (shard,) = snapshot["shards"].values()
    assert shard["checkpoint"] == str(10**20 + 9)
    assert not shard["parked"]


async def test_every_lease_event_is_one_structured_line(simulation: Simulation) -> None:
    """Created, taken, requested, handed over, ended."""
    with capture_logs() as logs:
        simulation.table.split()
        first = simulation.start()
        fill(simulation, 10)
        await simulation.settle()
        simulation.start()
        await asyncio.sleep(30)
        await simulation.stop(first.name)

    events = {entry["event"] for entry in logs if "lease_key" in entry}
    assert events >= {"lease_created", "lease_taken", "lease_requested", "lease_handed_over", "lease_ended"}


@pytest.mark.parametrize("latency", [0.0, 0.05, 0.3])
async def test_routers_start_and_stop_a_hundred_times(simulation: Simulation, latency: float) -> None:
    """Start/stop stress, also in the middle of taking a lease: no task is left, no lease is kept."""
    simulation.leases.latency_seconds = latency
    for number in range(100):
        node = simulation.start()
        simulation.insert(f"contact-{number % 5}")
        await asyncio.sleep([0.0, 0.01, 0.3, 2.0][number % 4])
        await simulation.stop(node.name)
    assert all(each.owner is None for each in simulation.leases.leases.values())
    simulation.start()
    await simulation.settle()

    simulation.check()
    await simulation.kill_all()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
