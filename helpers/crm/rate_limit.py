"""Keeps calls below a vendor's published limits instead of finding them by 429."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from helpers.crm.dialect import Window
from helpers.ports import Clock


class RateLimiter:
    """Sliding windows over the calls of one account in this process.

    Callers that wait for the same windows pass in order; one that waits for a narrow window (HubSpot's searches)
    holds up nobody else.
    """

    def __init__(self, windows: Sequence[Window], clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[Window, deque[float]] = {window: deque(maxlen=window.calls) for window in windows}
        self._lanes: dict[tuple[Window, ...], asyncio.Lock] = {}

    async def acquire(self, path: str = "") -> None:
        """Return when one more call of that path fits into every window that counts it."""
        windows = tuple(window for window in self._calls if path.endswith(window.ending))
        async with self._lanes.setdefault(windows, asyncio.Lock()):
            while (pause := self._pause(windows)) > 0:
                await self._clock.sleep(pause)
            # No await since the look at the windows: another lane cannot take this place.
            now = self._clock.now().timestamp()
            for window in windows:
                self._calls[window].append(now)

    def _pause(self, windows: Sequence[Window]) -> float:
        now = self._clock.now().timestamp()
        return max(
            (
                self._calls[window][0] + window.seconds - now
                for window in windows
                if len(self._calls[window]) == window.calls
            ),
            default=0.0,
        )
