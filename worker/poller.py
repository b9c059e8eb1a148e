"""Polls one queue: permits first, then the receive; one poller when idle, more while full batches return."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

import structlog

from fleet.metrics import Metrics
from worker.backoff import full_jitter
from worker.message import Message
from worker.permits import Permits
from worker.source_queue import BATCH, SourceQueue

log = structlog.get_logger(__name__)

ERROR_BACKOFF_BASE_SECONDS = 0.5
ERROR_BACKOFF_CAP_SECONDS = 20.0
# A saturated worker waits this long for a full batch of permits rather than receive messages one by one.
PERMIT_LINGER_SECONDS = 0.02

# Takes a receive over and answers how many message groups it starts.
Accept = Callable[[Sequence[Message]], int]


class Poller:
    """``run`` ends after :meth:`stop`, when the receives under way have returned. It must not be cancelled."""

    def __init__(
        self,
        queue: SourceQueue,
        permits: Permits,
        accept: Accept,
        metrics: Metrics,
        *,
        idle_want: int = BATCH,
        max_pollers: int = 1,
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._permits = permits
        self._accept = accept
        self._metrics = metrics
        self._idle_want = idle_want
        self._max_pollers = max_pollers
        self._on_poll = on_poll
        self._pollers = 0
        self._stopping = asyncio.Event()
        self._last_was_empty = True

    def stop(self) -> None:
        """Start no new receive. Permits have to be closed as well, or a wait for them goes on."""
        self._stopping.set()

    async def run(self) -> None:
        """Poll until stopped."""
        async with asyncio.TaskGroup() as pollers:
            self._add(pollers)

    def _add(self, pollers: asyncio.TaskGroup) -> None:
        self._pollers += 1
        pollers.create_task(self._poll(pollers), name=f"poll {self._queue.helper_type}")

    async def _poll(self, pollers: asyncio.TaskGroup) -> None:
        try:
            while not self._stopping.is_set():
                want = self._idle_want if self._last_was_empty else BATCH
                granted = await self._permits.acquire(
                    self._queue.helper_type, want, linger_seconds=PERMIT_LINGER_SECONDS
                )
                if not granted:
                    return
                received = await self._receive_with_permits(granted)
                if received == granted == BATCH and self._pollers < self._max_pollers and not self._stopping.is_set():
                    self._add(pollers)
                if received == 0 and self._pollers > 1:
                    return
        finally:
            self._pollers -= 1

    async def _receive_with_permits(self, granted: int) -> int:
        started = received = 0
        try:
            messages = [] if self._stopping.is_set() else await self._receive(granted)
            received = len(messages)
            self._last_was_empty = received == 0
            if messages:
                started = self._accept(messages)
        finally:
            self._permits.release(self._queue.helper_type, granted - started)
        return received

    async def _receive(self, limit: int) -> list[Message]:
        """One receive, repeated under the same attempt id while it fails: SQS then answers with what it handed out."""
        attempt_id = uuid.uuid4().hex
        failures = 0
        while True:
            self._on_poll()
            try:
                messages = await self._queue.receive(limit, attempt_id)
            except Exception as exc:  # noqa: BLE001 - a poller that dies stops the worker; an outage must not
                failures += 1
                self._metrics.count("ReceiveFailures")
                if failures.bit_count() == 1:
                    # The 1st, 2nd, 4th, ...: a pool polls a hundred queues, and one outage hits them all.
                    log.warning(
                        "receive_failed", helper_type=self._queue.helper_type, error=str(exc), failures=failures
                    )
                await self._pause(full_jitter(failures, ERROR_BACKOFF_BASE_SECONDS, ERROR_BACKOFF_CAP_SECONDS))
                if self._stopping.is_set():
                    return []
                continue
            self._metrics.observe("ReceiveBatchSize", len(messages), unit="Count")
            return messages

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
