"""Keeps everything in hand ours: started or not, batched, entry by entry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from fleet.metrics import Metrics
from worker.hand import Hand
from worker.sqs import Message, SqsClient
from worker.visibility import CEILING_SECONDS, change_visibility

log = structlog.get_logger(__name__)

ExtendLeases = Callable[[], Awaitable[None]]


class Heartbeat:
    """Extends the visibility of every message in hand, and with it the leases of the executions that run.

    A handle that SQS refuses is lost: its group's work is cancelled at once, because another worker may have the
    message. A message that reaches the 12-hour ceiling is lost on purpose, one interval early.
    """

    def __init__(
        self,
        client: SqsClient,
        hand: Hand,
        *,
        interval_seconds: float,
        visibility_seconds: int,
        extend_leases: ExtendLeases,
        monotonic: Callable[[], float],
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._hand = hand
        self._interval = interval_seconds
        self._visibility = visibility_seconds
        self._extend_leases = extend_leases
        self._monotonic = monotonic
        self._metrics = metrics
        self._sleep = sleep

    async def run(self) -> None:
        """Beat for ever; the process stops when this ends."""
        while True:
            await self._sleep(self._interval)
            await self.beat()

    async def beat(self) -> None:
        """Extend everything once."""
        now = self._monotonic()
        alive: list[Message] = []
        for message in self._hand:
            if now - message.received_at + self._visibility > CEILING_SECONDS:
                self._lose(message, "it reached SQS's 12-hour ceiling")
            else:
                alive.append(message)
        failures, _ = await asyncio.gather(
            change_visibility(self._client, alive, self._visibility), self._extend_leases()
        )
        for failure in failures:
            self._metrics.count("HeartbeatFailures")
            # While the change was under way the message may have been deleted or released by us.
            if failure.lost and failure.message in self._hand:
                self._lose(failure.message, f"SQS refused its receipt handle ({failure.code})")

    def _lose(self, message: Message, reason: str) -> None:
        log.warning("message_lost", message_id=message.message_id, group_id=message.group_id, reason=reason)
        self._metrics.count("MessagesLost")
        self._hand.lose(message, reason)
