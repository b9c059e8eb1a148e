"""Keeps calls below a vendor's published limits instead of finding them by 429."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog

from helpers.crm.dialect import Window
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.ports import Clock, StateStore

log = structlog.get_logger(__name__)

# Calls that a process reserves at once at most: one write of the shared counter pays for so many.
LARGEST_BLOCK_CALLS = 32
# A longer wait for the next interval belongs to the queue.
LONGEST_WAIT_SECONDS = 60.0


class CallLimiter(Protocol):
    """Decides when a call may be sent."""

    async def acquire(self) -> None:
        """Return when one more call may be sent. Raises CrmError (QUOTA_EXHAUSTED) when that is far away."""
        ...


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


class SharedQuota:
    """A limit that holds for all processes and customers of one OAuth client (spec crm.md 2.3: Keap).

    Counted per fixed interval (a minute, a UTC day) in the state store, in blocks that double while the interval
    lasts: a busy process writes rarely, an idle one keeps nothing from the others. Without the store calls pass: the
    vendor's own 429 is still obeyed.
    """

    def __init__(self, platform: str, key: str, window: Window, state: StateStore, clock: Clock) -> None:
        self._platform = platform
        self._key = key
        self._window = window
        self._state = state
        self._clock = clock
        self._lock = asyncio.Lock()
        self._interval = -1
        self._block = 1
        self._left = 0

    async def acquire(self) -> None:
        """Return when one more call fits into the interval."""
        async with self._lock:
            while True:
                now = self._clock.now().timestamp()
                interval = int(now // self._window.seconds)
                if interval != self._interval:
                    self._interval, self._block, self._left = interval, 1, 0
                if self._left == 0:
                    self._left = await self._reserve(interval)
                if self._left > 0:
                    self._left -= 1
                    return
                await self._wait((interval + 1) * self._window.seconds - now)

    async def _reserve(self, interval: int) -> int:
        """How many of a block's calls are still free in the interval."""
        block, self._block = self._block, min(2 * self._block, LARGEST_BLOCK_CALLS)
        try:
            taken = await self._state.increment(
                f"{self._key}:{self._window.seconds:g}:{interval}", block, ttl_seconds=2 * self._window.seconds
            )
        except Exception as exc:  # noqa: BLE001 - whatever the store's trouble is, it must not stop the CRM calls
            log.warning("crm_quota_not_counted", platform=self._platform, error=type(exc).__name__)
            return block
        return max(0, block - max(0, taken - self._window.calls))

    async def _wait(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT_SECONDS:
            raise CrmError(
                CrmErrorCode.QUOTA_EXHAUSTED, "the quota that all accounts share is used up",
                platform=self._platform, retryable=True, retry_after=seconds,
            )  # fmt: skip
        await self._clock.sleep(seconds)


class AllOf:
    """Several limits at once."""

    def __init__(self, *limiters: CallLimiter) -> None:
        self._limiters = limiters

    async def acquire(self) -> None:
        """Return when every limit lets the call pass."""
        for limiter in self._limiters:
            await limiter.acquire()
