"""Notices helpers that harm the process: one that blocks the event loop, one that leaks memory."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import structlog

from fleet.metrics import Metrics
from helpers.errors import MyFusionError

log = structlog.get_logger(__name__)

MEMORY_CHECK_SECONDS = 5.0
STACK_FRAMES = 12


class MemoryLimitReached(MyFusionError):
    """The worker uses more memory than it may; a restart frees it."""


class LoopWatchdog:
    """A thread that logs where the event loop is stuck. The loop itself could not: it is stuck."""

    def __init__(self, blocked_seconds: float, metrics: Metrics, running: Callable[[], list[str]]) -> None:
        self._blocked_seconds = blocked_seconds
        self._metrics = metrics
        self._running = running
        self._ticked_at = time.monotonic()
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop watchdog", daemon=True)

    async def run(self) -> None:
        """Tick until cancelled; the thread ends with it."""
        self._loop_thread = threading.get_ident()
        self._ticked_at = time.monotonic()
        self._thread.start()
        try:
            while True:
                self._ticked_at = time.monotonic()
                await asyncio.sleep(self._blocked_seconds / 4)
        finally:
            self._stop.set()

    def _watch(self) -> None:
        reported = 0.0
        while not self._stop.wait(self._blocked_seconds / 4):
            ticked = self._ticked_at
            blocked = time.monotonic() - ticked
            if blocked > self._blocked_seconds and ticked != reported:
                reported = ticked
                self._report(blocked)

    def _report(self, blocked: float) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way to another thread's stack
        stack = traceback.format_stack(frame)[-STACK_FRAMES:] if frame else []
        self._metrics.count("LoopBlocked")
        log.error("event_loop_blocked", seconds=round(blocked, 2), running=self._running(), stack="".join(stack))


class MemoryWatch:
    """Ends the process in order, and loudly, before the kernel does it in disorder."""

    def __init__(self, limit_megabytes: int, on_limit: Callable[[BaseException], None]) -> None:
        self._limit = limit_megabytes
        self._on_limit = on_limit

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(MEMORY_CHECK_SECONDS)
            used = resident_megabytes()
            if used > self._limit:
                log.error("memory_limit_reached", used_megabytes=round(used), limit_megabytes=self._limit)
                self._on_limit(MemoryLimitReached(f"{used:.0f} MB of {self._limit} MB are used"))
                await asyncio.Event().wait()


def resident_megabytes() -> float:
    """Resident memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
