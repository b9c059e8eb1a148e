"""Keeps calls below a vendor's published limits instead of finding them by 429."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from helpers.crm.dialect import Window
from helpers.ports import Clock


class RateLimiter:
    """Sliding windows over the calls of one account in this process; waiting callers pass in order."""

    def __init__(self, windows: Sequence[Window], clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self._lock = asyncio.Lock()
        self._calls: list[deque[float]] = [deque(maxlen=window.calls) for window in windows]

    async def acquire(self) -> None:
        """Return when one more call fits into every window."""
        async with self._lock:
            while (pause := self._pause()) > 0:
                await self._clock.sleep(pause)
            now = self._clock.now().timestamp()
            for calls in self._calls:
                calls.append(now)

    def _pause(self) -> float:
        now = self._clock.now().timestamp()
        return max(
            (
                calls[0] + window.seconds - now
                for window, calls in zip(self._windows, self._calls, strict=True)
                if len(calls) == window.calls
            ),
            default=0.0,
        )
