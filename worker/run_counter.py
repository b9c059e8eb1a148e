"""Counts the runs of stored helpers: one write per helper and interval instead of one per execution."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from fleet.stored_helpers import StoredHelpers

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0
LAST_FLUSH_SECONDS = 5.0


class RunCounter:
    """``execution_count`` and ``last_executed_at`` of stored helpers.

    A statistic, so a worker that is killed loses at most the last seconds of it.
    """

    def __init__(self, stored_helpers: StoredHelpers) -> None:
        self._stored_helpers = stored_helpers
        self._runs: Counter[str] = Counter()
        self._flushing = asyncio.Lock()

    def count(self, helper_id: str) -> None:
        """One run of the helper ended."""
        if helper_id:
            self._runs[helper_id] += 1

    async def run(self) -> None:
        """Flush every few seconds until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted; what cannot be written is counted again next time."""
        async with self._flushing:
            runs, self._runs = self._runs, Counter()
            for helper_id, number in runs.items():
                try:
                    await self._stored_helpers.count_run(helper_id, number)
                except Exception as exc:  # noqa: BLE001 - a statistic must not stop the worker
                    self._runs[helper_id] += number
                    log.warning("runs_not_counted", helper_id=helper_id, error=str(exc))

    async def last_flush(self) -> None:
        """The flush of a drain: it waits for the one under way, and for no outage."""
        try:
            async with asyncio.timeout(LAST_FLUSH_SECONDS):
                await self.flush()
        except TimeoutError:
            log.warning("runs_not_counted", error=f"the table did not answer within {LAST_FLUSH_SECONDS:g} s")
