"""Reads one shard page by page: iterators, errors, pace. What it reads goes to a callback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

from fleet.clock import SystemClock
from fleet.metrics import Metrics
from helpers.errors import MyFusionError
from router.backoff import full_jitter
from router.cursor import Cursor
from router.leases import TRIM_HORIZON
from router.listing import list_shards
from router.pacing import Pacing
from router.streams import AWS_ERRORS, StreamsClient, Trouble, error_code, trouble

log = structlog.get_logger(__name__)

OnPage = Callable[[Sequence[Mapping[str, Any]], str], Awaitable[None]]


class DataTrimmed(MyFusionError):
    """Records of this shard were trimmed before they were read, and the settings say to stop there."""


class ShardReader:
    """Reads from a checkpoint to the end of the shard.

    ``on_page(records, last_sequence_number)`` may wait: that is the back-pressure which bounds memory.
    """

    def __init__(
        self,
        streams: StreamsClient,
        stream_arn: str,
        shard_id: str,
        checkpoint: str,
        *,
        pacing: Pacing,
        page_records: int,
        trimmed_data: Literal["skip", "stop"],
        metrics: Metrics,
        clock: SystemClock,
    ) -> None:
        self._streams = streams
        self._stream_arn = stream_arn
        self._shard_id = shard_id
        self._cursor = Cursor(stream_arn, shard_id, checkpoint)
        self._pacing = pacing
        self._page_records = page_records
        self._trimmed_data = trimmed_data
        self._metrics = metrics
        self._clock = clock
        self._log = log.bind(shard_id=shard_id)
        # Age of the newest record of the last page; 0 when the last page was empty.
        self.iterator_age_seconds = 0.0
        self.read_at = clock.monotonic()

    async def run(self, on_page: OnPage) -> None:
        """Return at the end of the shard, with every page handed over. Raises DataTrimmed."""
        while not self._cursor.ended:
            page = await self._next_page()
            if page is None:
                continue
            records: Sequence[Mapping[str, Any]] = page["Records"]
            self._cursor.on_page(page)
            self.read_at = self._clock.monotonic()
            self.iterator_age_seconds = self._age(records[-1]) if records else 0.0
            if records:
                self._metrics.count("RecordsRead", len(records))
                self._metrics.observe("IteratorAge", self.iterator_age_seconds * 1000)
                await on_page(records, self._cursor.position)
            if not self._cursor.ended:
                wait = self._pacing.after_page(len(records), self.iterator_age_seconds)
                if wait:
                    await asyncio.sleep(wait)

    async def _next_page(self) -> Mapping[str, Any] | None:
        """One call further: a page, or None when something failed and was dealt with."""
        cursor = self._cursor
        try:
            if cursor.iterator is None:
                answer = await self._streams.get_shard_iterator(**cursor.iterator_request())
                cursor.iterator = answer.get("ShardIterator")
                if cursor.iterator is None:  # an ended shard that was read to its end before
                    cursor.ended = True
                    return None
            page: Mapping[str, Any] = await self._streams.get_records(
                ShardIterator=cursor.iterator, Limit=self._page_records
            )
        except AWS_ERRORS as exc:
            await self._on_error(exc)
            return None
        return page

    async def _on_error(self, exc: BaseException) -> None:
        kind = trouble(exc)
        self._metrics.count("ReadErrors", Kind=kind.value)
        self._log.warning("read_failed", kind=kind.value, code=error_code(exc), failures=self._cursor.failures + 1)
        match kind:
            case Trouble.ITERATOR:
                self._cursor.reseek()
                # The first time at once: an expired iterator is no sign of load.
                if self._cursor.failures == 1:
                    return
            case Trouble.TRIMMED:
                self._on_trimmed()
            case Trouble.GONE:
                if await self._is_gone():
                    self._log.error("shard_gone", position=self._cursor.position)
                    self._metrics.count("ShardsGone")
                    self._cursor.ended = True
                    return
                self._cursor.reseek()
            case Trouble.THROTTLED | Trouble.TEMPORARY | Trouble.REFUSED:
                self._cursor.on_failure()
        await asyncio.sleep(full_jitter(self._cursor.failures))

    def _on_trimmed(self) -> None:
        position = self._cursor.position
        self._metrics.count("DataTrimmed")
        self._log.error("data_trimmed", position=position, policy=self._trimmed_data)
        if self._trimmed_data == "stop" and position != TRIM_HORIZON:
            raise DataTrimmed(f"records after {position} of {self._shard_id} were trimmed unread")
        self._cursor.to_horizon()

    async def _is_gone(self) -> bool:
        """A missing shard is believed only when a listing confirms it: answers of one call may be stale."""
        try:
            listing = await list_shards(self._streams, self._stream_arn)
        except AWS_ERRORS as exc:
            return trouble(exc) is Trouble.GONE
        return self._shard_id not in listing.graph

    def _age(self, record: Mapping[str, Any]) -> float:
        created = record.get("dynamodb", {}).get("ApproximateCreationDateTime")
        if not isinstance(created, datetime):
            return 0.0
        if created.tzinfo is None:
            created = created.replace(tzinfo=UTC)
        return max(0.0, (self._clock.now() - created).total_seconds())
