"""A fleet of routers and what users of stream consumers complain about, one test each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from fleet.testing.streams.faults import CONNECTION_RESET
from router.leases import SCHEDULER_KEY, SHARD_END, Lease, lease_key
from router.testing import Simulation
from router.testing.simulation import SETTINGS

FAILOVER = SETTINGS.router_failover_seconds


def lease(simulation: Simulation, shard_id: str) -> Lease:
    key = next(key for key in simulation.leases.leases if key.endswith(shard_id))
    return simulation.leases.leases[key]


def owners(simulation: Simulation) -> dict[str, int]:
    """Readable shards by owner."""
    count: dict[str, int] = {}
    for each in simulation.leases.leases.values():
        if each.key != SCHEDULER_KEY and not each.ended and each.owner:
            count[each.owner] = count.get(each.owner, 0) + 1
    return count


def fill(simulation: Simulation, count: int, contacts: int = 5) -> None:
    for number in range(count):
        simulation.insert(f"contact-{number % contacts}")


# shards -----------------------------------------------------------------------------------------------------
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


# leases -----------------------------------------------------------------------------------------------------
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


# reading ----------------------------------------------------------------------------------------------------
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


# poison and queues ------------------------------------------------------------------------------------------
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


# one look at the whole ------------------------------------------------------------------------------------
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
