"""The helpers' state store: conditional writes, counters, expiry. One suite over DynamoDB and the test kit's double."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.settings import FleetSettings
from fleet.state import DynamoStateStore
from helpers.errors import StateConflict
from helpers.ports import StateStore
from helpers.testing.ports import RunState


class ManualClock(SystemClock):
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 15, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=[pytest.param("dynamodb", marks=pytest.mark.stack), "double"])
def store(request: pytest.FixtureRequest, clock: ManualClock) -> StateStore:
    if request.param == "double":
        memory = RunState()
        memory.clock = clock
        return memory
    aws: AwsClients = request.getfixturevalue("aws")
    settings: FleetSettings = request.getfixturevalue("stage_settings")
    return DynamoStateStore(aws.dynamodb, settings.state_table, clock=clock)


async def test_what_was_put_is_read_with_its_version(store: StateStore) -> None:
    """Versions count from 1, values keep their JSON types."""
    value = {"text": "a", "number": 1.5, "nothing": None, "list": [1, {"x": True}]}
    written = await store.put("k", value)

    found = await store.get("k")

    assert found is not None
    assert (found.value, found.version) == (value, 1)
    assert written == found
    assert await store.get("other") is None


async def test_version_zero_demands_that_nothing_is_there(store: StateStore) -> None:
    """The second writer loses."""
    await store.put("k", {"n": 1}, if_version=0)

    with pytest.raises(StateConflict):
        await store.put("k", {"n": 2}, if_version=0)


async def test_a_write_names_the_version_it_saw(store: StateStore) -> None:
    """Of two writers that read the same version one wins."""
    first = await store.put("k", {"n": 1}, if_version=0)
    second = await store.put("k", {"n": 2}, if_version=first.version)

    with pytest.raises(StateConflict):
        await store.put("k", {"n": 3}, if_version=first.version)
    found = await store.get("k")
    assert found is not None
    assert (found.value, found.version) == ({"n": 2}, second.version)


async def test_an_expired_entry_is_absent_at_once(store: StateStore, clock: ManualClock) -> None:
    """Although the store deletes it whenever it likes."""
    await store.put("k", {"n": 1}, ttl_seconds=60)
    clock.moment += timedelta(seconds=60)

    assert await store.get("k") is None
    assert (await store.put("k", {"n": 2}, if_version=0)).value == {"n": 2}
    found = await store.get("k")
    assert found is not None
    assert found.value == {"n": 2}


async def test_a_write_without_an_expiry_lives_for_ever(store: StateStore, clock: ManualClock) -> None:
    """It also takes the expiry of the entry before it away."""
    await store.put("k", {"n": 1}, ttl_seconds=60)
    await store.put("k", {"n": 2})
    clock.moment += timedelta(days=400)

    assert await store.get("k") is not None


async def test_a_counter_counts_every_increment_once(store: StateStore) -> None:
    """Also when they come at the same time."""
    sums = await asyncio.gather(*(store.increment("n") for _ in range(20)))

    assert sorted(sums) == list(range(1, 21))
    assert await store.increment("n", 5) == 25


async def test_a_counter_starts_anew_when_it_has_expired(store: StateStore, clock: ManualClock) -> None:
    """The expiry is that of the first increment; later ones do not push it forward."""
    await store.increment("n", ttl_seconds=60)
    clock.moment += timedelta(seconds=59)
    assert await store.increment("n", ttl_seconds=60) == 2
    clock.moment += timedelta(seconds=1)

    assert await store.increment("n", ttl_seconds=60) == 1


async def test_deleting_is_repeatable(store: StateStore) -> None:
    """Absent is success."""
    await store.put("k", {"n": 1})
    await store.delete("k")
    await store.delete("k")

    assert await store.get("k") is None
