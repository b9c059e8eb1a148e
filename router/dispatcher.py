"""Sends what the outbox offers: several calls at a time, every answer inspected entry by entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from fleet.clock import SystemClock
from fleet.metrics import Metrics
from router.backoff import full_jitter
from router.dead_letters import REFUSED_FOR_GOOD, BuriesRecords, SendsMessages
from router.outbox import DEAD_LETTERS, Entry, Outbox
from router.streams import AWS_ERRORS, error_code

log = structlog.get_logger(__name__)

# A queue that was just made may not exist everywhere yet: so many tries before its records are dead letters.
MISSING_QUEUE_ATTEMPTS = 5
LAPSED_POLL_SECONDS = 0.25
_MISSING_QUEUE = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
_THROTTLING = {"RequestThrottled", "ThrottlingException", "Throttling", "KmsThrottled", "OverLimit"}


class Dispatcher:
    """Empties one outbox. ``may_send`` is asked before every call: a router that lost the lease sends nothing more."""

    def __init__(
        self,
        outbox: Outbox,
        sqs: SendsMessages,
        dead_letters: BuriesRecords,
        metrics: Metrics,
        clock: SystemClock,
        *,
        may_send: Callable[[], bool],
        sends_in_flight: int,
    ) -> None:
        self._outbox = outbox
        self._sqs = sqs
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._may_send = may_send
        self._sends_in_flight = sends_in_flight
        self._sending: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None
        self._wake = asyncio.Event()
        # Wakes everybody who waits for progress; each clears it before looking again.
        self.progress = asyncio.Event()
        self.progress_at = clock.monotonic()

    def wake(self) -> None:
        """There is something new in the outbox; a page without anything to send is progress by itself."""
        self._wake.set()
        self.progress.set()

    async def run(self) -> None:
        """Send until cancelled; calls in flight are cancelled with it. Raises what a send raised unexpectedly."""
        try:
            while True:
                if self._failed is not None:
                    raise self._failed
                self._wake.clear()
                now = self._clock.monotonic()
                while len(self._sending) < self._sends_in_flight and self._may_send():
                    batch = self._outbox.next_batch(now)
                    if batch is None:
                        break
                    self._start(batch)
                await self._sleep(now)
        finally:
            sending = set(self._sending)
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _sleep(self, now: float) -> None:
        wake_at = self._outbox.wake_at(now)
        if not self._may_send():
            # A lease that lapsed on our clock may be renewed after all, and that wakes nobody.
            wake_at = now + LAPSED_POLL_SECONDS
        try:
            async with asyncio.timeout(None if wake_at is None else max(0.001, wake_at - now)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _start(self, batch: list[Entry]) -> None:
        send = self._bury(batch) if batch[0].queue_url == DEAD_LETTERS else self._send(batch)
        task = asyncio.create_task(send)
        self._sending.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed = task.exception()
        self._wake.set()

    def _settled(self) -> None:
        self.progress_at = self._clock.monotonic()
        self.progress.set()

    # queues ---------------------------------------------------------------------------------------------
    async def _send(self, batch: Sequence[Entry]) -> None:
        started = self._clock.monotonic()
        try:
            answer = await self._sqs.send_message_batch(
                QueueUrl=batch[0].queue_url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": entry.body,
                        "MessageGroupId": entry.group_id,
                        "MessageDeduplicationId": entry.deduplication_id,
                    }
                    for number, entry in enumerate(batch)
                ],
            )
        except AWS_ERRORS as exc:
            self._call_failed(batch, exc)
            return
        self._metrics.observe("SendLatency", (self._clock.monotonic() - started) * 1000)
        self._inspect(batch, answer)

    def _inspect(self, batch: Sequence[Entry], answer: Any) -> None:
        accepted = {int(entry["Id"]) for entry in answer.get("Successful", ())}
        refused = {int(entry["Id"]): entry for entry in answer.get("Failed", ())}
        for number, entry in enumerate(batch):
            if number in accepted:
                self._outbox.sent(entry)
                continue
            # Neither accepted nor refused would be a broken answer: it is sent again, deduplicated by its id.
            failure = refused.get(number, {"Code": "NoAnswer"})
            self._entry_failed(entry, failure)
        if accepted:
            self._metrics.count("RecordsRouted", len(accepted))
            self._settled()

    def _entry_failed(self, entry: Entry, failure: Any) -> None:
        code = str(failure.get("Code", ""))
        if failure.get("SenderFault") and code not in _THROTTLING:
            self._divert(entry, f"the queue refuses the message: {code} {failure.get('Message', '')}".strip())
            return
        self._retry(entry)
        self._metrics.count("SendEntriesFailed")
        log.warning("send_entry_failed", code=code, helper_type=entry.helper_type, attempt=entry.attempts)

    def _call_failed(self, batch: Sequence[Entry], exc: BaseException) -> None:
        code = error_code(exc)
        self._metrics.count("SendCallsFailed")
        log.warning("send_failed", code=code, helper_type=batch[0].helper_type, entries=len(batch))
        if code in REFUSED_FOR_GOOD:
            # One of the entries is at fault, so each is tried by itself.
            for entry in batch:
                if len(batch) == 1:
                    self._divert(entry, f"the queue refuses the message: {code}")
                else:
                    self._retry(entry, alone=True)
            return
        for entry in batch:
            if code in _MISSING_QUEUE and entry.attempts >= MISSING_QUEUE_ATTEMPTS:
                self._divert(entry, f"the queue of helper type {entry.helper_type!r} does not exist")
            else:
                self._retry(entry)
        if code not in _MISSING_QUEUE:
            resume = self._clock.monotonic() + full_jitter(max(entry.attempts for entry in batch))
            self._outbox.pause(batch[0].queue_url, resume)

    def _retry(self, entry: Entry, *, alone: bool = False) -> None:
        entry.attempts += 1
        self._outbox.retry(entry, self._clock.monotonic() + full_jitter(entry.attempts), alone=alone)

    def _divert(self, entry: Entry, reason: str) -> None:
        if "does not exist" in reason:
            self._metrics.count("QueueMissing")
        self._outbox.divert(entry, reason)

    # dead letters ---------------------------------------------------------------------------------------
    async def _bury(self, batch: Sequence[Entry]) -> None:
        for entry in batch:
            try:
                await self._dead_letters.bury(entry)
            except AWS_ERRORS as exc:
                self._retry(entry)
                log.warning("dead_letter_failed", code=error_code(exc), sequence_number=entry.sequence_number)
            else:
                self._outbox.sent(entry)
                self._settled()
