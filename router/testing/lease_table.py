"""The lease table in memory, for tests; it passes the conformance suite of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from router.leases import Lease, LeaseConflict


class MemoryLeaseTable:
    """`router.leases.LeaseTable` over a dict; ``history`` keeps every lease that was stored.

    The next ``failures`` calls fail without effect, the next ``lost_answers`` writes happen and fail.
    """

    def __init__(self) -> None:
        self.latency_seconds = 0.0
        self.failures = 0
        self.lost_answers = 0
        self.leases: dict[str, Lease] = {}
        self.history: list[Lease] = []

    async def scan(self) -> Sequence[Lease]:
        """All leases."""
        await self._begin()
        return list(self.leases.values())

    async def create(self, lease: Lease) -> bool:
        """Store a new lease; False when the key exists."""
        await self._begin()
        if lease.key in self.leases:
            return False
        self._store(lease)
        return True

    async def swap(self, old: Lease, new: Lease) -> None:
        """Compare the counter and swap."""
        await self._begin()
        current = self.leases.get(new.key)
        if current is not None and current.counter == old.counter:
            self._store(new)
        elif current != new:
            raise LeaseConflict(new.key, current)

    async def delete(self, lease: Lease) -> bool:
        """Delete exactly this version."""
        await self._begin()
        current = self.leases.get(lease.key)
        if current is None or current.counter != lease.counter:
            return False
        del self.leases[lease.key]
        return True

    async def _begin(self) -> None:
        await asyncio.sleep(self.latency_seconds)
        if self.failures:
            self.failures -= 1
            raise TimeoutError("the lease table does not answer")

    def _store(self, lease: Lease) -> None:
        self.leases[lease.key] = lease
        self.history.append(lease)
        if self.lost_answers:
            self.lost_answers -= 1
            raise TimeoutError("the answer of the lease table was lost")
