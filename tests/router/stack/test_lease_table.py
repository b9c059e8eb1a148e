"""One conformance suite for the lease table, on DynamoDB (emulator) and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.aws import aws_clients
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings
from fleet.tables import TABLES
from router.lease_table import DynamoLeaseTable
from router.leases import SHARD_END, Lease, LeaseConflict, LeaseTable
from router.testing import MemoryLeaseTable

LEASE = Lease(
    key="2026-01-15T10:00:00.000/shardId-1",
    stream_arn="arn:aws:dynamodb:us-west-2:000000000000:table/t/stream/2026-01-15T10:00:00.000",
    shard_id="shardId-1",
    parents=("2026-01-15T10:00:00.000/shardId-0",),
)

Scenario = Callable[[LeaseTable], Any]


@pytest.fixture(params=["memory", pytest.param("dynamodb", marks=pytest.mark.stack)])
async def table(request: pytest.FixtureRequest) -> Any:
    """An empty lease table."""
    if request.param == "memory":
        yield MemoryLeaseTable()
        return
    url = request.getfixturevalue("emulator_url")
    settings = FleetSettings(stage=f"l{abs(hash(request.node.name)) % 10**9}", aws_endpoint_url=url)
    Provisioner(settings).table(next(table for table in TABLES if table.setting == "router_leases_table"))
    async with aws_clients(settings) as aws:
        yield DynamoLeaseTable(aws.dynamodb, settings.router_leases_table)


async def test_a_created_lease_is_scanned_as_it_was_written(table: LeaseTable) -> None:
    """Every field survives the table, empty ones included."""
    full = replace(
        LEASE.taken_by("a").checkpointed("123", at=1_768_471_200, lag_ms=12).wanted_by("b"), children=("x", "y")
    )
    await table.create(full)
    await table.create(replace(LEASE, key="other"))

    assert sorted(await table.scan(), key=lambda lease: lease.key) == [full, replace(LEASE, key="other")]


async def test_a_key_is_created_once(table: LeaseTable) -> None:
    """The second creator is told, and what the first stored stays."""
    assert await table.create(LEASE)
    assert not await table.create(LEASE.taken_by("late"))

    assert await table.scan() == [LEASE]


async def test_a_swap_over_the_expected_counter_is_stored(table: LeaseTable) -> None:
    """Fields that became empty are gone."""
    await table.create(LEASE)
    taken = LEASE.taken_by("a")
    await table.swap(LEASE, taken)
    await table.swap(taken, taken.released())

    assert await table.scan() == [taken.released()]


async def test_a_swap_over_a_moved_counter_is_refused_and_tells_what_is_stored(table: LeaseTable) -> None:
    """So a paused owner cannot checkpoint over its successor."""
    await table.create(LEASE)
    paused = LEASE.taken_by("paused")
    await table.swap(LEASE, paused)
    successor = paused.taken_by("successor")
    await table.swap(paused, successor)

    with pytest.raises(LeaseConflict) as conflict:
        await table.swap(paused, paused.checkpointed("999", at=1))

    assert conflict.value.current == successor
    assert await table.scan() == [successor]


async def test_repeating_a_swap_that_succeeded_succeeds(table: LeaseTable) -> None:
    """A write whose answer was lost is sent again by the client."""
    await table.create(LEASE)
    taken = LEASE.taken_by("a")
    await table.swap(LEASE, taken)
    await table.swap(LEASE, taken)

    assert await table.scan() == [taken]


async def test_a_swap_does_not_bring_a_deleted_lease_back(table: LeaseTable) -> None:
    """The conflict says that nothing is stored."""
    with pytest.raises(LeaseConflict) as conflict:
        await table.swap(LEASE, LEASE.taken_by("a"))

    assert conflict.value.current is None
    assert await table.scan() == []


async def test_of_many_takers_one_wins(table: LeaseTable) -> None:
    """Compare and swap decides."""
    await table.create(LEASE)
    answers = await asyncio.gather(
        *(table.swap(LEASE, LEASE.taken_by(f"router-{number}")) for number in range(10)), return_exceptions=True
    )

    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, LeaseConflict) for answer in answers) == 9


async def test_only_the_version_that_was_seen_is_deleted(table: LeaseTable) -> None:
    """A lease that moved is left alone."""
    ended = replace(LEASE, checkpoint=SHARD_END, counter=5)
    await table.create(ended)

    assert not await table.delete(replace(ended, counter=4))
    assert await table.delete(ended)
    assert not await table.delete(ended)
    assert await table.scan() == []
