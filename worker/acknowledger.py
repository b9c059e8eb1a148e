"""Deletes done messages in batches: ten at a time, or what came together within the linger."""

from __future__ import annotations

import asyncio
import random

import structlog

from fleet.metrics import Metrics
from worker.in_hand import InHand, stale
from worker.message import Message
from worker.source_queue import BATCH

log = structlog.get_logger(__name__)

DELETE_TRIES = 4
DELETE_RETRY_SECONDS = 0.1


class Acknowledger:
    """The deletes of one queue. A message stays in hand, and hidden, until its delete went through.

    A delete that finally fails only means that the message comes back, and finds its execution done.
    """

    def __init__(self, in_hand: InHand, metrics: Metrics, *, linger_seconds: float) -> None:
        self._in_hand = in_hand
        self._metrics = metrics
        self._linger_seconds = linger_seconds
        self._buffer: list[Message] = []
        self._ready = asyncio.Event()
        self._full = asyncio.Event()
        self._closed = False

    def acknowledge(self, message: Message) -> None:
        """The message is done: delete it soon."""
        message.lane = None
        self._buffer.append(message)
        self._ready.set()
        if len(self._buffer) >= BATCH:
            self._full.set()

    def close(self) -> None:
        """Delete what is buffered at once; :meth:`run` ends when every delete has been answered."""
        self._closed = True
        self._ready.set()
        self._full.set()

    async def run(self) -> None:
        """Delete until closed."""
        async with asyncio.TaskGroup() as deletes:
            while not (self._closed and not self._buffer):
                await self._ready.wait()
                await self._linger()
                batch, self._buffer = self._buffer[:BATCH], self._buffer[BATCH:]
                if not self._closed:
                    (self._ready.set if self._buffer else self._ready.clear)()
                    (self._full.set if len(self._buffer) >= BATCH else self._full.clear)()
                if batch:
                    deletes.create_task(self._delete(batch), name="delete batch")

    async def _linger(self) -> None:
        if self._full.is_set() or self._linger_seconds == 0:
            return
        try:
            async with asyncio.timeout(self._linger_seconds):
                await self._full.wait()
        except TimeoutError:
            return

    async def _delete(self, batch: list[Message]) -> None:
        pending = batch
        for attempt in range(1, DELETE_TRIES + 1):
            failures = [failure for failure in await self._in_hand.queue.delete(pending) if not stale(failure)]
            retriable = [failure.message for failure in failures if not failure.lost]
            for message in set(pending).difference(retriable):
                self._in_hand.drop(message)
            for failure in failures:
                self._metrics.count("DeleteFailures")
                log.warning(
                    "delete_failed", message_id=failure.message.message_id, code=failure.code, lost=failure.lost
                )
            pending = retriable
            if not pending:
                return
            if attempt < DELETE_TRIES:
                await asyncio.sleep(DELETE_RETRY_SECONDS * 2**attempt * random.uniform(0.5, 1))
        for message in pending:
            self._in_hand.drop(message)
