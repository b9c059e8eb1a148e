"""What a worker has in hand: every message that SQS hides for it, started or not."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence

import structlog

from fleet.metrics import Metrics
from worker.message import Message
from worker.settings import VISIBILITY_CEILING_SECONDS
from worker.source_queue import EntryFailure, SourceQueue

log = structlog.get_logger(__name__)

RELEASE_TRIES = 3
RELEASE_RETRY_SECONDS = 0.2
# Kept free below the 12 h ceiling for clock differences and the call itself.
CEILING_MARGIN_SECONDS = 5


class InHand:
    """The messages of one queue that were received and neither deleted nor let go."""

    def __init__(self, queue: SourceQueue, metrics: Metrics) -> None:
        self.queue = queue
        self._metrics = metrics
        self._messages: dict[Message, None] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(list(self._messages))

    def add(self, messages: Sequence[Message]) -> None:
        """Received: from now on the heartbeat keeps them hidden."""
        self._messages.update(dict.fromkeys(messages))

    def drop(self, message: Message) -> None:
        """Deleted, or lost to somebody else."""
        self._messages.pop(message, None)
        message.lane = None

    async def release(self, messages: Sequence[Message], after_seconds: int = 0) -> None:
        """Let go of the messages: all become visible at the same moment, ``after_seconds`` from now.

        One batch call, so that a failed message and those behind it come back together. Entries that fail for a
        passing reason are tried again; what remains comes back with its visibility timeout.
        """
        if not messages:
            return
        now = asyncio.get_running_loop().time()
        room = min(ceiling_room(message, now) for message in messages)
        seconds = max(0, min(after_seconds, math.floor(room)))
        for message in messages:
            self.drop(message)
        pending = list(messages)
        for attempt in range(1, RELEASE_TRIES + 1):
            failures = await self.queue.change_visibility(pending, seconds)
            pending = [failure.message for failure in failures if not failure.lost]
            if not pending:
                break
            if attempt < RELEASE_TRIES:
                await asyncio.sleep(RELEASE_RETRY_SECONDS * attempt)
        self._metrics.count("MessagesReleased", len(messages) - len(pending))
        if pending:
            self._metrics.count("ReleaseFailures", len(pending))
            log.warning("release_failed", helper_type=self.queue.helper_type, messages=len(pending))


def ceiling_room(message: Message, now: float) -> float:
    """Seconds for which the message may still be hidden: SQS allows twelve hours after the receive."""
    return message.received_at + VISIBILITY_CEILING_SECONDS - CEILING_MARGIN_SECONDS - now


def stale(failure: EntryFailure) -> bool:
    """Whether the refused handle was replaced by a newer receive meanwhile."""
    return failure.handle != failure.message.handle
