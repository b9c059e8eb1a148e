"""One acquisition of a lease. The object is the concurrency token: a stale reader holds a stale object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from fleet.clock import SystemClock
from router.leases import Lease, LeaseConflict, LeaseLost, LeaseTable
from router.uninterrupted import uninterrupted


class HeldLease:
    """Writes to the lease while this process holds it.

    ``lost`` is set once: by another owner's write or by :meth:`abandon`. ``valid`` turns false earlier, by this
    process's own clock, when no write succeeded for the failover time: before that no observer can have judged it
    expired, because an observer's time starts later.
    """

    def __init__(
        self,
        table: LeaseTable,
        lease: Lease,
        failover_seconds: float,
        clock: SystemClock,
        *,
        written_at: float | None = None,
    ) -> None:
        """``written_at``: monotonic time at which the write that took the lease was begun."""
        self._table = table
        self._failover_seconds = failover_seconds
        self._clock = clock
        self._owner = lease.owner
        self._lock = asyncio.Lock()
        self._unanswered: Lease | None = None
        self._written_at = clock.monotonic() if written_at is None else written_at
        self.lease = lease
        self.lost = asyncio.Event()
        self.wanted = asyncio.Event()

    @property
    def key(self) -> str:
        """The lease's key."""
        return self.lease.key

    @property
    def valid(self) -> bool:
        """Whether reading and sending under this lease is still allowed."""
        return not self.lost.is_set() and self._clock.monotonic() - self._written_at < self._failover_seconds

    def age_seconds(self) -> float:
        """Time since the last successful write."""
        return self._clock.monotonic() - self._written_at

    def abandon(self) -> None:
        """Never write again."""
        self.lost.set()

    async def renew(self) -> None:
        """A sign of life. Raises LeaseLost."""
        await self._write(Lease.renewed)

    async def checkpoint(self, sequence_number: str, *, lag_ms: int | None = None) -> None:
        """Record progress. Raises LeaseLost; then nothing was written."""
        at = self._epoch()
        await self._write(lambda lease: lease.checkpointed(sequence_number, at=at, lag_ms=lag_ms))

    async def finish(self, children: Sequence[str]) -> None:
        """Write SHARD_END and give the lease up. The children's leases must exist before this call."""
        at = self._epoch()
        await self._write(lambda lease: lease.finished(children, at=at), last=True)

    async def release(self, checkpoint: str | None) -> None:
        """Hand over: the last checkpoint and the release are one write, so the successor starts exactly there."""
        at = self._epoch()

        def change(lease: Lease) -> Lease:
            if checkpoint is None or checkpoint == lease.checkpoint:
                return lease.released()
            return replace(lease.checkpointed(checkpoint, at=at, lag_ms=lease.lag_ms), owner=None)

        await self._write(change, last=True)

    async def _write(self, change: Callable[[Lease], Lease], *, last: bool = False) -> None:
        await uninterrupted(self._swap(change, last=last))

    async def _swap(self, change: Callable[[Lease], Lease], *, last: bool) -> None:
        async with self._lock:
            while True:
                if self.lost.is_set():
                    raise LeaseLost(f"lease {self.key} is not held")
                started = self._clock.monotonic()
                new = change(self.lease)
                try:
                    await self._table.swap(self.lease, new)
                except LeaseConflict as exc:
                    self._adopt(exc)
                    continue
                except BaseException:
                    self._unanswered = new
                    raise
                self.lease, self._unanswered = new, None
                self._written_at = started
                if last:
                    # Under the lock: a checkpoint that waits for it would undo the end.
                    self.lost.set()
                return

    def _adopt(self, conflict: LeaseConflict) -> None:
        """Go on from the stored lease where that is safe. Raises LeaseLost where it is another's."""
        current = conflict.current
        if current is not None and current.owner == self._owner:
            for base in (self.lease, self._unanswered):
                if base is not None and current == replace(base, successor=current.successor, counter=current.counter):
                    self.lease, self._unanswered = current, None
                    if current.successor is not None:
                        self.wanted.set()
                    return
        self.lost.set()
        raise LeaseLost(f"lease {self.key} went to {current.owner if current else 'nobody'}") from conflict

    def _epoch(self) -> int:
        return int(self._clock.now().timestamp())
