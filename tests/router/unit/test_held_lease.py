"""One acquisition of a lease: what it may write, and when it may not any more."""

from __future__ import annotations

import asyncio

import pytest

from fleet.testing.virtual_time import LoopClock
from router.held_lease import HeldLease
from router.leases import SHARD_END, Lease, LeaseLost
from router.testing import MemoryLeaseTable

FAILOVER = 10.0


class Flaky(MemoryLeaseTable):
    """Its next swap is stored, and the answer is lost; or it takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.lose_answer = False
        self.delay = 0.0

    async def swap(self, old: Lease, new: Lease) -> None:
        await asyncio.sleep(self.delay)
        await super().swap(old, new)
        if self.lose_answer:
            self.lose_answer = False
            raise TimeoutError


@pytest.fixture
def table() -> Flaky:
    return Flaky()


@pytest.fixture
async def held(table: Flaky) -> HeldLease:
    """Held by ``me`` since now."""
    lease = Lease(key="shard")
    await table.create(lease)
    await table.swap(lease, lease.taken_by("me"))
    return HeldLease(table, lease.taken_by("me"), FAILOVER, LoopClock())


async def test_a_lease_is_valid_for_the_failover_time_after_its_last_write(held: HeldLease) -> None:
    """By our own clock, so we stop before any observer can judge it expired."""
    await asyncio.sleep(FAILOVER - 0.1)
    assert held.valid
    await held.renew()
    await asyncio.sleep(FAILOVER - 0.1)
    assert held.valid
    await asyncio.sleep(0.2)
    assert not held.valid


async def test_validity_counts_from_the_start_of_the_write(table: Flaky, held: HeldLease) -> None:
    """A slow answer does not lengthen the lease."""
    table.delay = 4.0
    await held.renew()

    assert held.age_seconds() == 4.0


async def test_a_checkpoint_over_a_successor_is_refused(table: Flaky, held: HeldLease) -> None:
    """After a pause the lease is another's: nothing is written, and this object writes never again."""
    successor = held.lease.taken_by("successor")
    await table.swap(held.lease, successor)

    with pytest.raises(LeaseLost):
        await held.checkpoint("100")
    with pytest.raises(LeaseLost):
        await held.renew()

    assert table.leases["shard"] == successor
    assert held.lost.is_set()


async def test_a_lease_lost_and_won_again_by_the_same_process_is_another_acquisition(
    table: Flaky, held: HeldLease
) -> None:
    """The object is the token: an old reader's late checkpoint does not pass as the new one's."""
    elsewhere = held.lease.taken_by("other")
    await table.swap(held.lease, elsewhere)
    again = elsewhere.checkpointed("500", at=1).taken_by("me")
    await table.swap(elsewhere, again)

    with pytest.raises(LeaseLost):
        await held.checkpoint("100")
    assert table.leases["shard"].checkpoint == "500"


async def test_a_request_for_the_lease_is_noticed_and_does_not_lose_it(table: Flaky, held: HeldLease) -> None:
    """The owner goes on until it handed over."""
    await table.swap(held.lease, held.lease.wanted_by("thief"))
    assert not held.wanted.is_set()

    await held.checkpoint("100")

    assert held.wanted.is_set()
    stored = table.leases["shard"]
    assert (stored.owner, stored.checkpoint, stored.successor) == ("me", "100", "thief")


async def test_a_release_carries_the_last_checkpoint_and_keeps_the_successors_claim(
    table: Flaky, held: HeldLease
) -> None:
    """One write: the successor starts exactly there."""
    await table.swap(held.lease, held.lease.wanted_by("thief"))
    await held.release("123")

    stored = table.leases["shard"]
    assert (stored.owner, stored.checkpoint, stored.successor) == (None, "123", "thief")
    with pytest.raises(LeaseLost):
        await held.renew()


async def test_a_release_without_progress_keeps_the_checkpoint(table: Flaky, held: HeldLease) -> None:
    """And with it the count of owners since the last progress."""
    await held.release(None)

    assert (table.leases["shard"].checkpoint, table.leases["shard"].owner) == ("TRIM_HORIZON", None)


async def test_a_finished_shard_is_at_its_end_with_its_children(table: Flaky, held: HeldLease) -> None:
    """And owned by nobody."""
    await held.finish(["b", "a"])

    stored = table.leases["shard"]
    assert (stored.checkpoint, stored.children, stored.owner) == (SHARD_END, ("a", "b"), None)


async def test_a_checkpoint_that_waits_does_not_undo_the_end(table: Flaky, held: HeldLease) -> None:
    """Found by a random history: both were on their way, the end came first."""
    table.delay = 0.4
    end = asyncio.create_task(held.finish([]))
    await asyncio.sleep(0.1)

    with pytest.raises(LeaseLost):
        await held.checkpoint("100")

    await end
    assert table.leases["shard"].checkpoint == SHARD_END


async def test_a_write_whose_answer_was_lost_does_not_lose_the_lease(table: Flaky, held: HeldLease) -> None:
    """The next write finds its own earlier one and goes on from there."""
    table.lose_answer = True
    with pytest.raises(TimeoutError):
        await held.checkpoint("100")

    await held.checkpoint("200")

    assert table.leases["shard"].checkpoint == "200"
    assert not held.lost.is_set()


async def test_a_cancelled_write_is_finished_before_the_next(table: Flaky, held: HeldLease) -> None:
    """The hand-over cancels a checkpoint that is on its way and writes its own right after."""
    table.delay = 1.0
    checkpoint = asyncio.create_task(held.checkpoint("100"))
    await asyncio.sleep(0.5)
    checkpoint.cancel()
    await asyncio.gather(checkpoint, return_exceptions=True)

    await held.release("150")

    assert [lease.checkpoint for lease in table.history[-2:]] == ["100", "150"]
    assert table.leases["shard"].owner is None


async def test_an_abandoned_lease_is_never_written(table: Flaky, held: HeldLease) -> None:
    """Whatever is still on its way."""
    held.abandon()
    with pytest.raises(LeaseLost):
        await held.checkpoint("1")
    assert table.leases["shard"].checkpoint == "TRIM_HORIZON"


async def test_a_deleted_lease_is_lost(table: Flaky, held: HeldLease) -> None:
    """It is not written back."""
    del table.leases["shard"]
    with pytest.raises(LeaseLost):
        await held.renew()
    assert table.leases == {}


async def test_owner_switches_count_until_there_is_progress() -> None:
    """Many owners without a checkpoint: a shard that kills its readers."""
    lease = Lease(key="shard").taken_by("a")
    assert lease.owner_switches == 0
    lease = lease.taken_by("b").taken_by("c")
    assert lease.owner_switches == 2
    assert lease.checkpointed("1", at=1).owner_switches == 0
