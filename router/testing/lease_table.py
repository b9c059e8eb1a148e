"""The lease table in memory, for tests; it passes the conformance suite of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from router.leases import Lease, LeaseConflict


class MemoryLeaseTable:
    """`router.leases.LeaseTable` over a dict; ``history`` keeps every lease that was stored."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.history: list[Lease] = []

    async def scan(self) -> Sequence[Lease]:
        """All leases."""
        await asyncio.sleep(0)
        return list(self.leases.values())

    async def create(self, lease: Lease) -> bool:
        """Store a new lease; False when the key exists."""
        await asyncio.sleep(0)
        if lease.key in self.leases:
            return False
        self._store(lease)
        return True

    async def swap(self, old: Lease, new: Lease) -> None:
        """Compare the counter and swap."""
        await asyncio.sleep(0)
        current = self.leases.get(new.key)
        if current is not None and current.counter == old.counter:
            self._store(new)
        elif current != new:
            raise LeaseConflict(new.key, current)

    async def delete(self, lease: Lease) -> bool:
        """Delete exactly this version."""
        await asyncio.sleep(0)
        current = self.leases.get(lease.key)
        if current is None or current.counter != lease.counter:
            return False
        del self.leases[lease.key]
        return True

    def _store(self, lease: Lease) -> None:
        self.leases[lease.key] = lease
        self.history.append(lease)
