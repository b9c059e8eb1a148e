"""How long to wait before the next read of a shard."""

from __future__ import annotations

# Records older than this when read mean that the shard is behind: no waiting.
BEHIND_SECONDS = 5.0


class Pacing:
    """At once after a full page or while behind; a short wait after a page with records; twice as long after every
    empty page, up to ``idle_seconds``."""

    def __init__(self, *, active_seconds: float, idle_seconds: float, page_records: int) -> None:
        self._active_seconds = active_seconds
        self._idle_seconds = idle_seconds
        self._page_records = page_records
        self._wait = active_seconds

    def after_page(self, records: int, age_seconds: float) -> float:
        """Seconds to wait after a page of ``records`` whose newest is ``age_seconds`` old."""
        if records == 0:
            self._wait = min(self._idle_seconds, self._wait * 2)
            return self._wait
        self._wait = self._active_seconds
        if records >= self._page_records or age_seconds > BEHIND_SECONDS:
            return 0.0
        return self._wait
