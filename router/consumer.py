"""The life of one held shard: read, send, checkpoint; then its end, a hand-over, or the loss of the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

import structlog

from fleet.clock import SystemClock
from fleet.metrics import Metrics
from router.backoff import full_jitter
from router.dispatcher import Dispatcher
from router.held_lease import HeldLease
from router.leases import LeaseLost
from router.outbox import DEAD_LETTERS, Entry, Outbox
from router.reader import DataTrimmed, ShardReader
from router.settings import RouterSettings
from router.streams import AWS_ERRORS, error_code
from router.triage import Poison, triage

log = structlog.get_logger(__name__)


class FindsQueues(Protocol):
    """The part of the queue directory that the router reads."""

    async def url(self, helper_type: str) -> str | None:
        """The URL of the type's queue; None = there is none, after a fresh look."""
        ...


class Outcome(Enum):
    """Why a consumer ended; the value is the log event."""

    ENDED = "lease_ended"
    HANDED_OVER = "lease_handed_over"
    LOST = "lease_lost"


FindChildren = Callable[[HeldLease], Awaitable[Sequence[str]]]


class ShardConsumer:
    """Everything one router does for one shard. ``run`` returns how it ended; its lease is then not held any more."""

    def __init__(
        self,
        held: HeldLease,
        reader: ShardReader,
        outbox: Outbox,
        dispatcher: Dispatcher,
        directory: FindsQueues,
        find_children: FindChildren,
        settings: RouterSettings,
        metrics: Metrics,
        clock: SystemClock,
    ) -> None:
        self.held = held
        self.reader = reader
        self.parked = False
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._directory = directory
        self._find_children = find_children
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._waiting_since = clock.monotonic()
        self._log = log.bind(lease_key=held.key)

    # running --------------------------------------------------------------------------------------------
    async def run(self, hand_over: asyncio.Event) -> Outcome:
        """Work until the shard ends, ``hand_over`` is set, another router asks for the lease, or it is lost.

        Raises what is nobody's fault but ours: a bug in reading or sending.
        """
        end = asyncio.create_task(self._read_to_end(), name=f"read {self.held.key}")
        asked = [asyncio.create_task(event.wait()) for event in (hand_over, self.held.wanted)]
        lost = asyncio.create_task(self.held.lost.wait())
        side = [asyncio.create_task(self._dispatcher.run()), asyncio.create_task(self._checkpoints())]
        tasks = {end, lost, *asked, *side}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if end in done:
                end.result()
                return Outcome.ENDED
            for task in side:
                if task in done:
                    task.result()
            if lost in done:
                return Outcome.LOST
            await self._stop(end)
            if self.held.lease.ended:
                return Outcome.ENDED
            await self._drain()
            # Nothing may be sent behind the checkpoint that the release writes.
            await self._stop(*side)
            await self.held.release(self._outbox.low_water)
            return Outcome.HANDED_OVER
        except LeaseLost:
            return Outcome.LOST
        except AWS_ERRORS as exc:
            # Not released: the successor waits for the failover time, and starts at the last checkpoint.
            self._log.warning("release_failed", code=error_code(exc))
            return Outcome.LOST
        finally:
            await self._stop(*tasks)

    async def _stop(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._settings.router_handover_seconds):
                await self._until(lambda: not self._outbox.pages)
        except TimeoutError:
            self._log.warning("handover_incomplete", unsent=self._outbox.waiting)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._dispatcher.progress.clear()
            if not condition():
                await self._dispatcher.progress.wait()

    # reading --------------------------------------------------------------------------------------------
    async def _read_to_end(self) -> None:
        try:
            await self.reader.run(self._on_page)
        except DataTrimmed:
            # Loud (logged, counted, shown in the health report) and not a crash: a restart would not mend it.
            self.parked = True
            await asyncio.Event().wait()
        await self._until(lambda: not self._outbox.pages)
        attempt = 0
        while True:
            try:
                # In this order: once SHARD_END is written nobody looks at this shard for its children again.
                await self.held.finish(await self._find_children(self.held))
                return
            except AWS_ERRORS as exc:
                attempt += 1
                self._log.warning("shard_end_failed", code=error_code(exc), attempt=attempt)
                await asyncio.sleep(full_jitter(attempt))

    async def _on_page(self, records: Sequence[Mapping[str, Any]], last_sequence_number: str) -> None:
        entries = [entry for record in records if (entry := await self._entry(record)) is not None]
        self._metrics.count("RecordsFiltered", len(records) - len(entries))
        if not self._outbox.waiting:
            self._waiting_since = self._clock.monotonic()
        self._outbox.add_page(entries, last_sequence_number)
        self._dispatcher.wake()
        # The back-pressure that bounds memory: so many pages of at most 1 MB.
        await self._until(lambda: self._outbox.pages < self._settings.router_pages_in_flight)

    async def _entry(self, record: Mapping[str, Any]) -> Entry | None:
        decision = triage(record)
        if decision is None:
            return None
        sequence_number = str(record.get("dynamodb", {}).get("SequenceNumber", ""))
        if isinstance(decision, Poison):
            return _dead_letter(record, sequence_number, decision.execution_id, decision.reason)
        url = await self._queue_url(decision.helper_type)
        if url is None:
            self._metrics.count("QueueMissing")
            reason = f"there is no queue for helper type {decision.helper_type!r}"
            return _dead_letter(record, sequence_number, decision.execution_id, reason, decision.helper_type)
        return Entry(
            sequence_number,
            url,
            decision.group_id,
            record,
            decision.execution_id,
            decision.helper_type,
            decision.deduplication_id,
            decision.body,
        )

    async def _queue_url(self, helper_type: str) -> str | None:
        """Wait while SSM does not answer: that says nothing about whether the queue exists."""
        attempt = 0
        while True:
            try:
                return await self._directory.url(helper_type)
            except AWS_ERRORS as exc:
                attempt += 1
                self._log.warning("queue_directory_failed", code=error_code(exc), attempt=attempt)
                await asyncio.sleep(full_jitter(attempt))

    # checkpoints ----------------------------------------------------------------------------------------
    async def _checkpoints(self) -> None:
        attempt = 0
        written = self._outbox.page_mark
        while True:
            await self._until(lambda: self._outbox.page_mark != written)  # noqa: B023 - awaited before it changes
            mark = self._outbox.page_mark
            try:
                await self.held.checkpoint(mark, lag_ms=round(self.reader.iterator_age_seconds * 1000))
            except AWS_ERRORS as exc:
                attempt += 1
                self._log.warning("checkpoint_failed", code=error_code(exc), attempt=attempt)
                await asyncio.sleep(full_jitter(attempt))
                continue
            attempt, written = 0, mark
            await asyncio.sleep(self._settings.router_checkpoint_seconds)

    # health ---------------------------------------------------------------------------------------------
    def stalled_seconds(self) -> float:
        """How long the shard has not moved although records wait, or could not even be read."""
        if self.parked:
            return 0.0
        if self._outbox.waiting:
            moved_at = max(self._dispatcher.progress_at, self._waiting_since)
        else:
            moved_at = self.reader.read_at
        return self._clock.monotonic() - moved_at


def _dead_letter(
    record: Mapping[str, Any], sequence_number: str, execution_id: str, reason: str, helper_type: str = ""
) -> Entry:
    return Entry(sequence_number, DEAD_LETTERS, sequence_number, record, execution_id, helper_type, reason=reason)
