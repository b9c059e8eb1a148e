"""Receives messages of one queue: permits first, then a long poll."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from fleet.metrics import Metrics
from worker.groups import Groups
from worker.permits import Permits
from worker.sqs import BATCH, MESSAGE_ATTRIBUTES, QueueRef, SqsClient, read_messages

log = structlog.get_logger(__name__)

ERROR_WAIT_CAP_SECONDS = 20.0


class Poller:
    """One idle long poll; while full batches return, up to ``max_pollers`` in parallel.

    A ReceiveMessage in flight is never cancelled: a message handed to a dead connection would stay invisible for its
    whole visibility timeout. :meth:`stop` lets it end, and what it brings is released by the groups' drain.
    """

    def __init__(
        self,
        client: SqsClient,
        queue: QueueRef,
        permits: Permits,
        groups: Groups,
        *,
        poll_seconds: int,
        visibility_seconds: int,
        max_pollers: int,
        idle_permits: int,
        monotonic: Callable[[], float],
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._queue = queue
        self._permits = permits
        self._groups = groups
        self._poll_seconds = poll_seconds
        self._visibility = visibility_seconds
        self._max_pollers = max(1, max_pollers)
        self._idle_permits = idle_permits
        self._monotonic = monotonic
        self._metrics = metrics
        self._sleep = sleep
        self._stopping = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()
        self._extra: set[asyncio.Task[None]] = set()
        self.polls = 0

    @property
    def paused(self) -> bool:
        """Whether an operator paused this type."""
        return not self._running.is_set()

    def pause(self) -> None:
        """Start no further poll until :meth:`resume`."""
        self._running.clear()

    def resume(self) -> None:
        """Poll again."""
        self._running.set()

    def stop(self) -> None:
        """Start no further poll."""
        self._stopping.set()
        self._running.set()

    async def run(self) -> None:
        """Poll until stopped; returns when the last poll in flight has ended."""
        await self._loop(first=True)
        while self._extra:
            await asyncio.gather(*self._extra)

    async def _loop(self, *, first: bool) -> None:
        errors = 0
        busy = not first
        while not self._stopping.is_set():
            await self._running.wait()
            # An idle poll of a pool takes the queue's own permit only; shared ones go to queues that are busy.
            want = BATCH if busy else self._idle_permits
            permits = await self._acquire(want)
            if permits == 0:
                return
            try:
                received = await self._receive(permits)
            except Exception as exc:  # noqa: BLE001 - whatever the client raises, polling has to go on
                await self._permits.release(self._queue.url, permits)
                errors += 1
                wait = min(ERROR_WAIT_CAP_SECONDS, 0.5 * 2 ** min(errors, 10)) * random.random()
                log.warning("receive_failed", queue=self._queue.helper_type, error=repr(exc), errors=errors)
                self._metrics.count("ReceiveFailures")
                await self._unless_stopping(wait)
                continue
            errors = 0
            busy = received > 0
            if received >= permits and received >= self._idle_permits:
                self._poll_more()
            if received == 0 and not first:
                return

    async def _acquire(self, want: int) -> int:
        """Permits, or 0 when the poller is stopped while it waits for one."""
        acquiring = asyncio.ensure_future(self._permits.acquire(self._queue.url, want))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({acquiring, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stopping.is_set():
            if acquiring.done():
                await self._permits.release(self._queue.url, acquiring.result())
            else:
                acquiring.cancel()
            await asyncio.gather(acquiring, stopping, return_exceptions=True)
            return 0
        await asyncio.gather(stopping, return_exceptions=True)
        return acquiring.result()

    async def _receive(self, permits: int) -> int:
        """One receive; returns the number of messages. The attempt id makes a repeated receive return the same."""
        self.polls += 1
        request: dict[str, Any] = {
            "QueueUrl": self._queue.url,
            "MaxNumberOfMessages": min(permits, BATCH),
            "WaitTimeSeconds": self._poll_seconds,
            "VisibilityTimeout": self._visibility,
            "MessageSystemAttributeNames": list(MESSAGE_ATTRIBUTES),
            "ReceiveRequestAttemptId": uuid.uuid4().hex,
        }
        answer = await self._client.receive_message(**request)
        messages = read_messages(self._queue, answer, self._monotonic())
        if messages:
            self._metrics.observe("ReceiveBatchSize", len(messages), unit="Count")
            self._metrics.count("MessagesRedelivered", sum(message.receive_count > 1 for message in messages))
        started = self._groups.start(messages)
        # One permit per group that started; a group holds it until its task ends.
        await self._permits.release(self._queue.url, permits - started)
        return len(messages)

    def _poll_more(self) -> None:
        if self._stopping.is_set() or len(self._extra) + 1 >= self._max_pollers:
            return
        task = asyncio.create_task(self._loop(first=False), name=f"extra poll {self._queue.helper_type}")
        self._extra.add(task)
        task.add_done_callback(self._extra.discard)

    async def _unless_stopping(self, seconds: float) -> None:
        waiting = {asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._stopping.wait())}
        _done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
