"""A lease: who reads a shard, how far it has come, and which shards come before and after it.

Every change is a pure function ``Lease -> Lease`` that moves the counter; a table stores it only over the exact
counter it was computed from (compare and swap). So a router that was paused cannot write over its successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from helpers.errors import MyFusionError

TRIM_HORIZON = "TRIM_HORIZON"
SHARD_END = "SHARD_END"
# The lease of the elected scheduler lives in the same table.
SCHEDULER_KEY = "role/scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One item of the lease table. ``checkpoint`` is a sequence number or one of the two sentinels."""

    key: str
    stream_arn: str = ""
    shard_id: str = ""
    owner: str | None = None
    counter: int = 0
    checkpoint: str = TRIM_HORIZON
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    successor: str | None = None
    owner_switches: int = 0
    checkpointed_at: int | None = None  # epoch seconds; for people and for clean-up, never for expiry
    lag_ms: int | None = None

    @property
    def ended(self) -> bool:
        """Whether every record of the shard was sent."""
        return self.checkpoint == SHARD_END

    def taken_by(self, owner: str) -> Lease:
        """Owned by ``owner``; a switch is counted until the next checkpoint."""
        switches = self.owner_switches + (self.checkpoint != TRIM_HORIZON or self.owner is not None)
        return replace(self, owner=owner, successor=None, counter=self.counter + 1, owner_switches=switches)

    def renewed(self) -> Lease:
        """A sign of life."""
        return replace(self, counter=self.counter + 1)

    def checkpointed(self, sequence_number: str, *, at: int, lag_ms: int | None = None) -> Lease:
        """Everything up to and including ``sequence_number`` was sent."""
        return replace(
            self,
            checkpoint=sequence_number,
            counter=self.counter + 1,
            owner_switches=0,
            checkpointed_at=at,
            lag_ms=lag_ms,
        )

    def finished(self, children: Sequence[str], *, at: int) -> Lease:
        """At SHARD_END, with the children that go on."""
        ended = self.checkpointed(SHARD_END, at=at, lag_ms=0)
        return replace(ended, owner=None, successor=None, children=tuple(sorted({*self.children, *children})))

    def released(self) -> Lease:
        """Free again; a successor that asked for it keeps its claim."""
        return replace(self, owner=None, counter=self.counter + 1)

    def wanted_by(self, successor: str) -> Lease:
        """``successor`` asks the owner to hand it over."""
        return replace(self, successor=successor, counter=self.counter + 1)

    def with_children(self, children: Sequence[str]) -> Lease:
        """Children that were listed only after the shard had ended."""
        return replace(self, children=tuple(sorted({*self.children, *children})), counter=self.counter + 1)


def lease_key(stream_arn: str, shard_id: str) -> str:
    """``<stream label>/<shard id>``: a re-enabled stream has a new label, emulators reuse shard ids."""
    return f"{stream_arn.rsplit('/', 1)[-1]}/{shard_id}"


class LeaseConflict(MyFusionError):
    """Another writer changed the lease first. ``current`` is the stored lease, None when it was deleted."""

    def __init__(self, key: str, current: Lease | None) -> None:
        self.current = current
        super().__init__(f"lease {key} was changed by another writer")


class LeaseLost(MyFusionError):
    """The lease is no longer held by this acquisition: stop reading, write nothing."""


class LeaseTable(Protocol):
    """Compare and swap over leases; `router.lease_table` on DynamoDB, `router.testing` in memory."""

    async def scan(self) -> Sequence[Lease]:
        """All leases, read consistently."""
        ...

    async def create(self, lease: Lease) -> bool:
        """Store a new lease; False when the key exists (then nothing changes)."""
        ...

    async def swap(self, old: Lease, new: Lease) -> None:
        """Store ``new`` if the stored counter still is ``old.counter``. Raises LeaseConflict otherwise."""
        ...

    async def delete(self, lease: Lease) -> bool:
        """Delete it unless it changed; False when it did."""
        ...
