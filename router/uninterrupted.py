"""Writes that are finished although their task is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# A service that does not answer must not hold up a shutdown; what then happens is settled by the next write.
MOST_SECONDS = 2.0


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end; a cancellation is raised after it, or after MOST_SECONDS.

    A conditional write that is cut off may have happened, and then the process does not know what it owns.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_retrieve)
        await asyncio.wait({task}, timeout=MOST_SECONDS)
        raise


def _retrieve(task: asyncio.Task[None]) -> None:
    # Whoever wanted to know was cancelled: the failure is nobody's any more.
    if not task.cancelled():
        task.exception()
