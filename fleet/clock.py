"""The real clock behind `helpers.ports.Clock`."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time for stored instants, monotonic time for waiting and leases."""

    def now(self) -> datetime:
        """The current instant, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        await asyncio.sleep(seconds)


def instant_text(moment: datetime) -> str:
    """RFC 3339, UTC, whole seconds: ``2026-01-15T10:00:00Z``. Sorts like the instants it stands for."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_instant_text(moment: datetime) -> str:
    """RFC 3339, UTC, milliseconds: ``2026-01-15T10:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """A stored instant: whole seconds, milliseconds or up to nanoseconds (crm.md section 7). Raises ValueError."""
    # Python 3.11 reads at most microseconds; Go writes up to nanoseconds.
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
