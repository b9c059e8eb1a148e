"""Permits: a message is received only when its group can start.

Every queue of a pool owns one permit; the rest is shared. So a flood in one type cannot starve the others, and an
idle queue's long poll holds nothing that a busy one needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Permits:
    """``capacity`` message groups at a time over ``queues``; never fewer than one for each queue."""

    def __init__(self, capacity: int, queues: Iterable[str]) -> None:
        self._queues = list(queues)
        self._capacity = capacity
        self._held = dict.fromkeys(self._queues, 0)
        self._waiting: dict[str, int] = dict.fromkeys(self._queues, 0)
        self._changed = asyncio.Condition()

    @property
    def in_use(self) -> int:
        """Permits held by all queues."""
        return sum(self._held.values())

    @property
    def capacity(self) -> int:
        """All permits."""
        return max(self._capacity, len(self._queues))

    def held(self, queue: str) -> int:
        """Permits held by one queue."""
        return self._held[queue]

    async def resize(self, capacity: int) -> None:
        """Change the capacity; permits that are out stay out until they are returned."""
        async with self._changed:
            self._capacity = capacity
            self._changed.notify_all()

    def _available(self, queue: str) -> int:
        """What the queue may take now: its own permit and its fair part of the shared ones.

        Shared permits that other queues wait for are divided; a queue that waits alone may take them all.
        """
        own = 1 if self._held[queue] == 0 else 0
        shared = self.capacity - len(self._queues)
        used = sum(max(0, held - 1) for held in self._held.values())
        free = max(0, shared - used)
        rivals = sum(1 for other, count in self._waiting.items() if count and other != queue)
        fair = -(-free // (rivals + 1)) if free else 0
        return own + fair

    async def acquire(self, queue: str, up_to: int) -> int:
        """Take between one and ``up_to`` permits; waits for the first."""
        async with self._changed:
            self._waiting[queue] += 1
            try:
                await self._changed.wait_for(lambda: self._available(queue) > 0)
                granted = min(up_to, self._available(queue))
            finally:
                self._waiting[queue] -= 1
            self._held[queue] += granted
            return granted

    async def release(self, queue: str, count: int = 1) -> None:
        """Give permits back."""
        if count == 0:
            return
        async with self._changed:
            if count > self._held[queue]:
                raise ValueError(f"{count} permits returned by a queue that holds {self._held[queue]}")
            self._held[queue] -= count
            self._changed.notify_all()
