"""Tag and field definitions of one connection, kept for minutes and shared by its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.ports import Clock

KEEP_SECONDS = 300.0
# A look-up that misses reloads once, unless the list is younger than this.
FRESH_SECONDS = 5.0

T = TypeVar("T")


class DefinitionCache(Generic[T]):
    """A list that is loaded on first use, once for concurrent callers, and again after it expired."""

    def __init__(self, load: Callable[[], Awaitable[list[T]]], clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._lock = asyncio.Lock()
        self._items: list[T] | None = None
        self._loaded_at = 0.0

    async def items(self, *, max_age: float = KEEP_SECONDS) -> list[T]:
        """The list, not older than ``max_age`` seconds."""
        async with self._lock:
            if self._items is None or self._clock.now().timestamp() - self._loaded_at > max_age:
                self._items = await self._load()
                self._loaded_at = self._clock.now().timestamp()
            return self._items

    async def find(self, match: Callable[[list[T]], T | None]) -> T | None:
        """What ``match`` finds in the list, or in a fresh one: it may have been made since."""
        found = match(await self.items())
        return found if found is not None else match(await self.items(max_age=FRESH_SECONDS))

    def drop(self) -> None:
        """Load again at the next use."""
        self._items = None


async def unless_forbidden(load: Awaitable[T], otherwise: T) -> T:
    """The definitions; ``otherwise`` where the credentials may not read them, which need not stop the work itself."""
    try:
        return await load
    except CrmError as exc:
        if exc.code is not CrmErrorCode.FORBIDDEN:
            raise
        return otherwise
