"""Tag and field definitions of one connection, kept for minutes and shared by its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from helpers.ports import Clock

KEEP_SECONDS = 300.0
# A look-up that misses reloads once, unless the list is younger than this.
FRESH_SECONDS = 5.0

T = TypeVar("T")


class DefinitionCache(Generic[T]):
    """A list that is loaded on first use, once for concurrent callers, and again after it expired."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._items: list[T] | None = None
        self._loaded_at = 0.0

    async def items(self, load: Callable[[], Awaitable[list[T]]], *, max_age: float = KEEP_SECONDS) -> list[T]:
        """The list, not older than ``max_age`` seconds."""
        async with self._lock:
            if self._items is None or self._clock.now().timestamp() - self._loaded_at > max_age:
                self._items = await load()
                self._loaded_at = self._clock.now().timestamp()
            return self._items

    async def find(self, load: Callable[[], Awaitable[list[T]]], match: Callable[[list[T]], T | None]) -> T | None:
        """What ``match`` finds in the list, or in a fresh one: it may have been made since."""
        found = match(await self.items(load))
        return found if found is not None else match(await self.items(load, max_age=FRESH_SECONDS))

    def drop(self) -> None:
        """Load again at the next use."""
        self._items = None
