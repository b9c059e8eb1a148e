"""Which leases a router takes, and which one it asks for: pure decisions on one scan of the table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from router.leases import SCHEDULER_KEY, Lease


@dataclass(frozen=True, slots=True)
class _Sighting:
    counter: int
    owner: str | None
    moved_at: float


class LeaseObserver:
    """Judges expiry on this process's own monotonic clock, since it last saw a counter move.

    Wall clocks are never compared: a router with a wrong clock neither steals nor keeps a lease.
    """

    def __init__(self, failover_seconds: float) -> None:
        self._failover_seconds = failover_seconds
        self._sightings: dict[str, _Sighting] = {}

    def observe(self, leases: Iterable[Lease], seen_at: float) -> None:
        """Take in one scan; ``seen_at`` is the monotonic time at which its answer was there.

        Judged is at a time before the *next* scan is asked for. So what lies between two sightings is never longer
        than it was for the owner, even when this process is paused in the middle of a scan.
        """
        sightings: dict[str, _Sighting] = {}
        for lease in leases:
            before = self._sightings.get(lease.key)
            same = before is not None and (before.counter, before.owner) == (lease.counter, lease.owner)
            sightings[lease.key] = before if same and before else _Sighting(lease.counter, lease.owner, seen_at)
        self._sightings = sightings

    def unmoved_seconds(self, lease: Lease, now: float) -> float:
        """How long the counter has stood still as far as this process has seen."""
        sighting = self._sightings.get(lease.key)
        return now - sighting.moved_at if sighting else 0.0

    def expired(self, lease: Lease, now: float) -> bool:
        """Whether its owner gave no sign of life for the failover time."""
        return lease.owner is not None and self.unmoved_seconds(lease, now) >= self._failover_seconds

    def overdue(self, lease: Lease, now: float) -> bool:
        """Whether it stands still for the failover time, owned or not."""
        return self.unmoved_seconds(lease, now) >= self._failover_seconds


def readable(leases: Sequence[Lease]) -> list[Lease]:
    """Shard leases that have records to read: not ended, and every parent ended or trimmed."""
    by_key = {lease.key: lease for lease in leases}
    return [
        lease
        for lease in leases
        if lease.key != SCHEDULER_KEY
        and not lease.ended
        and all(parent not in by_key or by_key[parent].ended for parent in lease.parents)
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    """``take`` now, by compare and swap; ``ask`` its owner to hand over."""

    take: tuple[Lease, ...] = ()
    ask: Lease | None = None


def plan(
    leases: Sequence[Lease],
    me: str,
    observer: LeaseObserver,
    now: float,
    *,
    held: Collection[str] | None = None,
    asked: Collection[str] = (),
    shuffle: Callable[[list[Lease]], None] = lambda _: None,
) -> Plan:
    """What this router should do; ``now`` is the monotonic time at which the scan was asked for.

    A lease of ``me`` that this process does not hold (``held``; None = all of them) was lost on its own clock and
    taken by nobody: it is taken again.
    Fair share is ``ceil(readable / live owners)``. Free and expired leases are taken up to it; one that nobody took
    for a failover time is taken beyond it. A lease that ``me`` asked for (``asked``) is taken when its owner let go,
    or by force after the failover time. Only when nothing can be taken, one lease of the most loaded owner above
    the share is asked for, and never a second while one is asked.
    """
    candidates = readable(leases)
    alive = {me} | {lease.owner for lease in candidates if lease.owner and not observer.expired(lease, now)}
    share = math.ceil(len(candidates) / len(alive))

    promised = [
        lease
        for lease in candidates
        if (lease.successor == me and lease.owner is None)
        or (lease.owner == me and held is not None and lease.key not in held)
    ]
    available = [
        lease
        for lease in candidates
        if lease.owner != me
        and lease not in promised
        and (
            observer.expired(lease, now)
            if lease.owner
            else lease.successor is None or lease.successor == me or observer.overdue(lease, now)
        )
    ]
    forgotten = [lease for lease in available if lease.owner is None and observer.overdue(lease, now)]
    shuffle(available)
    mine = len({lease.key for lease in candidates if lease.owner == me} | {lease.key for lease in promised})
    room = max(0, share - mine)
    chosen = {lease.key: lease for lease in [*promised, *available[:room], *forgotten]}
    if chosen:
        return Plan(take=tuple(chosen.values()))
    if asked or mine >= share:
        return Plan()
    return Plan(ask=_to_ask_for(candidates, me, share, shuffle))


def _to_ask_for(
    candidates: Sequence[Lease], me: str, share: int, shuffle: Callable[[list[Lease]], None]
) -> Lease | None:
    load: Mapping[str, int] = Counter(lease.owner for lease in candidates if lease.owner and lease.owner != me)
    if not load:
        return None
    most = max(load.values())
    # ceil() lets an owner sit one above the floor: taking that one would only move the difference around.
    if most <= share and most - 1 <= sum(lease.owner == me for lease in candidates):
        return None
    choice = [
        lease for lease in candidates if lease.owner and load.get(lease.owner) == most and lease.successor is None
    ]
    shuffle(choice)
    return choice[0] if choice else None
