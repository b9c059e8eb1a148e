"""Watches the process itself: a blocked event loop is logged with the culprit's stack, memory has a limit."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from pathlib import Path

import structlog

from fleet.metrics import Metrics

log = structlog.get_logger(__name__)

STACK_LINES = 12


class LoopWatchdog:
    """A thread that notices when the loop does not answer, which a task on the blocked loop cannot."""

    def __init__(self, threshold_seconds: float, metrics: Metrics) -> None:
        self._threshold = threshold_seconds
        self._metrics = metrics
        self._beat = time.monotonic()
        self._stopped = threading.Event()
        self._main_thread = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="loop watchdog", daemon=True)
        self.reports = 0

    async def run(self) -> None:
        """Beat on the loop for ever; the thread lives as long as this runs."""
        self._beat = time.monotonic()
        self._thread.start()
        try:
            while True:
                await asyncio.sleep(self._threshold / 4)
                self._beat = time.monotonic()
        finally:
            self._stopped.set()

    def _watch(self) -> None:
        reported = 0.0
        while not self._stopped.wait(self._threshold / 4):
            beat = self._beat
            blocked = time.monotonic() - beat
            if blocked > self._threshold and beat != reported:
                reported = beat
                self.reports += 1
                self._metrics.count("BlockedLoop")
                frame = sys._current_frames().get(self._main_thread)  # noqa: SLF001 - the documented way to another thread's stack
                stack = traceback.format_stack(frame)[-STACK_LINES:] if frame else []
                log.error("event_loop_blocked", seconds=round(blocked, 2), stack="".join(stack))


def resident_mb() -> float:
    """Resident memory of this process in MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * 4096 / 1_000_000
