"""Reading through errors, expired iterators, trimmed data and slow queues.

Complaints of users of other stream consumers, one test each.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from fleet.testing.streams.faults import CONNECTION_RESET
from router.leases import SCHEDULER_KEY
from router.testing import Simulation
from router.testing.simulation import SETTINGS
from tests.router.unit.fleet_view import FAILOVER, fill, lease


@pytest.mark.parametrize(
    "code",
    [
        "ExpiredIteratorException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "InternalFailure",
        "SomethingNewException",
        "AccessDeniedException",
        CONNECTION_RESET,
    ],
)
async def test_reading_survives(simulation: Simulation, code: str) -> None:
    """Every error a read can have, at the iterator and at the records, without loss or repetition."""
    simulation.start()
    fill(simulation, 12)
    for operation in ("get_records", "get_shard_iterator"):
        simulation.table.faults.fail(operation, code, 4)
    await asyncio.sleep(1)
    simulation.table.faults.fail("get_records", code, 4)
    fill(simulation, 12)
    await simulation.settle(seconds=60)

    simulation.check()
    assert len(simulation.sqs.sent) == 24


async def test_an_iterator_that_expired_while_the_queue_did_not_answer_is_renewed(simulation: Simulation) -> None:
    """Sixteen minutes without room for another page."""
    simulation.start()
    fill(simulation, 30)
    simulation.sqs.latency_seconds = 16 * 60
    await asyncio.sleep(20 * 60)
    simulation.sqs.latency_seconds = 0.0
    await simulation.settle(seconds=3600)

    simulation.check()


async def test_an_idle_shard_is_read_at_most_four_times_a_second(simulation: Simulation) -> None:
    """With the product's default pace."""
    simulation.settings = SETTINGS.model_copy(
        update={"router_idle_poll_seconds": 0.25, "router_active_poll_seconds": 0.1}
    )
    node = simulation.start()
    await asyncio.sleep(10)
    calls = node_calls(simulation, node.name)
    await asyncio.sleep(10)

    assert node_calls(simulation, node.name) - calls <= 41


def node_calls(simulation: Simulation, name: str) -> int:
    return simulation.clients[name].calls.get("get_records", 0)


async def test_trimmed_records_are_skipped_and_counted(simulation: Simulation) -> None:
    """The default: the fleet goes on with what is left, loudly."""
    node = simulation.start()
    fill(simulation, 4)
    await simulation.settle()
    await simulation.kill_all()
    shard = simulation.table.open_shards()[0]
    for _ in range(4):
        simulation.table.put({"execution_id": f"exec:lost-{_}", "status": "queued"}, partition="x")
    simulation.table.trim(shard)
    node = simulation.start()
    await asyncio.sleep(1)
    fill(simulation, 4)
    with capture_logs() as logs:
        await simulation.settle(seconds=60)

    simulation.check()
    assert node.metrics.totals["DataTrimmed"] == 1
    assert [entry["log_level"] for entry in logs if entry["event"] == "data_trimmed"] == ["error"]


async def test_trimmed_records_stop_the_shard_where_the_settings_say_so(simulation: Simulation) -> None:
    """Loudly, and only this shard: a restart would not mend it, so the process stays healthy."""
    simulation.settings = SETTINGS.model_copy(update={"router_trimmed_data": "stop"})
    simulation.table.split()
    simulation.start()
    fill(simulation, 20)
    await simulation.settle()
    await simulation.kill_all()
    trimmed = next(shard for shard in simulation.table.open_shards() if simulation.table.shard(shard).records)
    position = lease(simulation, trimmed).checkpoint
    fill(simulation, 20)
    simulation.table.trim(trimmed)
    node = simulation.start()
    await asyncio.sleep(FAILOVER * 3)

    health = node.router.health()
    assert health.healthy
    assert health.details["parked"] == [lease(simulation, trimmed).key]
    assert lease(simulation, trimmed).checkpoint == position
    assert simulation.undelivered() == {
        record.execution_id
        for record in simulation.inserted
        if record.shard_id == trimmed and int(record.sequence_number) > int(position)
    }
    node.router.report()
    assert node.metrics.totals["ShardsParked"] == 1


async def test_a_third_reader_backs_off(simulation: Simulation) -> None:
    """Two others read the shard: throttled, and on as soon as one stops."""
    simulation.start()
    fill(simulation, 3)
    arn, shard = simulation.table.stream_arn, simulation.table.open_shards()[0]

    async def read(name: str) -> None:
        client = simulation.table.client(name)
        answer = await client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
        for _ in range(20):
            await client.get_records(ShardIterator=answer["ShardIterator"])
            await asyncio.sleep(0.5)

    others = [asyncio.create_task(read(name)) for name in ("one", "two")]
    await simulation.settle(seconds=60)
    await asyncio.gather(*others)

    simulation.check()


async def test_memory_is_bounded_while_a_queue_does_not_answer(simulation: Simulation) -> None:
    """Pages in flight, and no more: reading waits."""
    simulation.start()
    simulation.sqs.latency_seconds = 1000.0
    fill(simulation, 200)
    await asyncio.sleep(60)
    node = simulation.nodes[next(iter(simulation.nodes))]
    consumer: Any = next(
        holding.consumer for key, holding in node.router.coordinator.holdings.items() if key != SCHEDULER_KEY
    )

    most = SETTINGS.router_page_records * SETTINGS.router_pages_in_flight
    assert consumer._outbox.waiting <= most
