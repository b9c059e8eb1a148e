"""Permits come before receives: a message is asked for only when a worker slot for its group is held.

One permit is one message group being worked on, or one place in a receive that is under way. In a pool every queue
has one permit of its own; the others go to whoever asks, the queue with the fewest first. So a flood in one queue
uses what is idle, and gives way as soon as another queue asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Waiter:
    queue: str
    want: int
    granted: asyncio.Future[int]
    least: int = 1


class Permits:
    """``capacity`` permits shared by ``queues``; capacity is at least the number of queues."""

    def __init__(self, capacity: int, queues: Iterable[str]) -> None:
        self._in_use = dict.fromkeys(queues, 0)
        self._limits: dict[str, int] = {}
        self._waiters: list[_Waiter] = []
        self._closed = False
        self._capacity = max(capacity, len(self._in_use))

    @property
    def capacity(self) -> int:
        """How many there are."""
        return self._capacity

    def in_use(self, queue: str | None = None) -> int:
        """How many are taken, by one queue or in all."""
        return sum(self._in_use.values()) if queue is None else self._in_use[queue]

    async def acquire(self, queue: str, want: int, *, linger_seconds: float = 0.0) -> int:
        """Wait for at least one permit and take up to ``want``. 0 means closed: receive nothing any more.

        Where fewer than ``want`` are free, more may come back within ``linger_seconds``: fuller receives cost less.
        """
        if self._closed:
            return 0
        loop = asyncio.get_running_loop()
        waiter = _Waiter(queue, want, loop.create_future(), least=want if linger_seconds else 1)
        self._waiters.append(waiter)
        self._grant()
        if not waiter.granted.done() and linger_seconds:
            loop.call_later(linger_seconds, self._settle_for_less, waiter)
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.granted.cancelled():
                self.release(queue, waiter.granted.result())
            raise

    def release(self, queue: str, count: int) -> None:
        """Give permits back."""
        if count > self._in_use[queue]:
            raise ValueError(f"{queue} gives back {count} permits and holds {self._in_use[queue]}")
        self._in_use[queue] -= count
        self._grant()

    def resize(self, capacity: int) -> None:
        """Change the number of permits; those in use stay in use until they are given back."""
        self._capacity = max(capacity, len(self._in_use))
        self._grant()

    def limit(self, queue: str, maximum: int | None) -> None:
        """Let one queue use at most ``maximum``; 0 pauses it, None lifts the limit."""
        if maximum is None:
            self._limits.pop(queue, None)
        else:
            self._limits[queue] = maximum
        self._grant()

    def close(self) -> None:
        """Answer every wait, now and later, with 0."""
        self._closed = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.granted.done():
                waiter.granted.set_result(0)

    def _settle_for_less(self, waiter: _Waiter) -> None:
        if not waiter.granted.done():
            waiter.least = 1
            self._grant()

    def _room(self, queue: str) -> int:
        used = self._in_use[queue]
        free = self._capacity - sum(self._in_use.values())
        reserved = sum(
            1 for name, n in self._in_use.items() if n == 0 and name != queue and self._limits.get(name) != 0
        )
        room = free - reserved
        if used == 0 and free > 0:
            room = max(room, 1)
        return max(0, min(room, self._limits.get(queue, self._capacity) - used))

    def _grant(self) -> None:
        # A stable sort keeps the order of asking among queues that hold equally many.
        for waiter in sorted(self._waiters, key=lambda each: self._in_use[each.queue]):
            if waiter.granted.done():
                self._waiters.remove(waiter)
                continue
            count = min(waiter.want, self._room(waiter.queue))
            if count >= waiter.least:
                self._waiters.remove(waiter)
                self._in_use[waiter.queue] += count
                waiter.granted.set_result(count)
