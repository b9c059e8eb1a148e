"""Which leases are taken and asked for: pure decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.assignment import LeaseObserver, Plan, plan, readable
from router.leases import SCHEDULER_KEY, SHARD_END, Lease

FAILOVER = 10.0


def leases(*owners: str | None) -> list[Lease]:
    """One lease per owner, named a, b, c, ..."""
    return [Lease(key=chr(ord("a") + number), owner=owner, counter=1) for number, owner in enumerate(owners)]


def decide(table: list[Lease], me: str = "me", *, observer: LeaseObserver | None = None, now: float = 0.0) -> Plan:
    """A decision on first sight, where nothing has expired."""
    observer = observer or LeaseObserver(FAILOVER)
    observer.observe(table, now)
    return plan(table, me, observer, now)


def taken(decision: Plan) -> list[str]:
    return [lease.key for lease in decision.take]


def test_a_lone_router_takes_everything() -> None:
    """Nobody else is alive."""
    assert taken(decide(leases(None, None, None))) == ["a", "b", "c"]


def test_free_leases_are_taken_up_to_the_fair_share() -> None:
    """ceil(4 shards / 2 owners) = 2."""
    assert taken(decide(leases("other", None, None, None))) == ["b", "c"]


@pytest.mark.parametrize(("shards", "routers"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (7, 4)])
def test_all_shards_are_taken_when_shares_add_up_exactly(shards: int, routers: int) -> None:
    """KCL #202: shards went unread when workers times their maximum was exactly the number of shards."""
    table = leases(*[None] * shards)
    for _ in range(3):
        for number in range(routers):
            name = f"router-{number}"
            for lease in decide(table, name).take:
                table = [lease.taken_by(name) if each.key == lease.key else each for each in table]

    assert all(lease.owner for lease in table)


def test_a_child_is_not_taken_before_its_parent_has_ended() -> None:
    """Parents first; a parent without a lease was trimmed and blocks nothing."""
    parent = Lease(key="parent", owner="other")
    child = Lease(key="child", parents=("parent",))
    orphan = Lease(key="orphan", parents=("trimmed",))

    assert taken(decide([parent, child, orphan])) == ["orphan"]
    ended = replace(parent, owner=None, checkpoint=SHARD_END)
    assert taken(decide([ended, child, orphan])) == ["child", "orphan"]


def test_ended_shards_and_the_scheduler_count_for_no_share() -> None:
    """Only what can be read is divided."""
    table = [Lease(key=SCHEDULER_KEY), Lease(key="ended", checkpoint=SHARD_END), Lease(key="open")]

    assert [lease.key for lease in readable(table)] == ["open"]


def test_a_lease_expires_when_its_counter_stood_still_on_the_observers_own_clock() -> None:
    """First sight starts the clock, whatever was written before; a moved counter restarts it."""
    observer = LeaseObserver(FAILOVER)
    table = leases("other")
    observer.observe(table, seen_at=1000.0)
    assert not observer.expired(table[0], now=1009.9)
    assert observer.expired(table[0], now=1010.0)

    moved = [table[0].renewed()]
    observer.observe(moved, seen_at=1010.0)
    assert not observer.expired(moved[0], now=1019.9)


def test_an_observer_that_was_paused_looks_again_before_it_judges() -> None:
    """A scan after the pause sees the counter moved, so a living owner keeps its lease."""
    observer = LeaseObserver(FAILOVER)
    table = leases("other")
    observer.observe(table, seen_at=0.0)
    renewed = [table[0].renewed()]

    assert decide(renewed, observer=observer, now=100.0) == Plan()


def test_an_expired_lease_is_taken_and_its_owner_does_not_count() -> None:
    """The share is divided among the living."""
    observer = LeaseObserver(FAILOVER)
    table = leases("dead", "dead")
    decide(table, observer=observer)

    assert taken(decide(table, observer=observer, now=FAILOVER)) == ["a", "b"]


def test_an_own_lease_that_is_not_held_any_more_is_taken_again() -> None:
    """It lapsed while the table did not answer, and no other router was there to take it."""
    table = leases("me", "me", "other")
    observer = LeaseObserver(FAILOVER)
    observer.observe(table, 0.0)

    assert taken(plan(table, "me", observer, 0.0, held={"a"})) == ["b"]
    assert plan(table, "me", observer, 0.0, held={"a", "b"}) == Plan()


def test_one_lease_of_the_most_loaded_owner_is_asked_for() -> None:
    """Only when there is nothing to take."""
    decision = decide(leases("busy", "busy", "busy", "calm"))

    assert decision.take == ()
    assert decision.ask is not None
    assert decision.ask.owner == "busy"


def test_nothing_is_asked_for_while_something_is_asked() -> None:
    """At most one steal at a time."""
    table = leases("busy", "busy", "busy", "busy")
    observer = LeaseObserver(FAILOVER)
    observer.observe(table, 0.0)

    assert plan(table, "me", observer, 0.0, asked={"a"}) == Plan()


@pytest.mark.parametrize("owners", [("me", "other", "other"), ("other",), ("me", "other"), ("x", "y", "z")])
def test_a_difference_of_one_is_fair(owners: tuple[str, ...]) -> None:
    """Taking it would only move the difference around."""
    assert decide(leases(*owners)) == Plan()


def test_a_newcomer_gets_a_share_when_owners_sit_exactly_at_it() -> None:
    """4 shards on two routers, a third comes: ceil(4/3) is 2, and still it must not stay idle."""
    assert decide(leases("x", "x", "y", "y")).ask is not None


def test_a_promised_lease_goes_to_its_successor_only() -> None:
    """Others wait the failover time, in case the successor died."""
    promised = Lease(key="a", successor="me", counter=7)
    assert taken(decide([promised], "me")) == ["a"]

    observer = LeaseObserver(FAILOVER)
    assert decide([promised], "other", observer=observer) == Plan()
    assert taken(decide([promised], "other", observer=observer, now=FAILOVER)) == ["a"]


def test_a_lease_nobody_took_for_a_failover_time_is_taken_beyond_the_share() -> None:
    """A router that is alive but takes nothing must not leave a shard unread."""
    observer = LeaseObserver(FAILOVER)
    table = [*leases("me", "idle-owner"), Lease(key="z")]
    table = [replace(lease, counter=1) for lease in table]
    assert taken(decide(table, observer=observer)) == ["z"]  # share of ceil(3/2)

    crowded = [*leases("me", "me", "other"), Lease(key="z")]
    observer = LeaseObserver(FAILOVER)
    assert decide(crowded, observer=observer).take == ()
    later = [lease.renewed() if lease.owner else lease for lease in crowded]
    assert taken(decide(later, observer=observer, now=FAILOVER)) == ["z"]
