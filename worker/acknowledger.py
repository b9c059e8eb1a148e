"""Deletes in batches: up to ten messages or a linger of some milliseconds, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from fleet.metrics import Metrics
from worker.hand import Hand
from worker.sqs import BATCH, Message, SqsClient

log = structlog.get_logger(__name__)

RETRY_SECONDS = (0.1, 0.5, 2.0)


class Acknowledger:
    """``await acknowledge(message)`` returns when the message is deleted, or when deleting it was given up.

    A delete that finally fails is no error: the message comes again and its stored result acknowledges it. A handle
    that SQS refuses is not tried again. Batches of one queue go out in parallel with later ones.
    """

    def __init__(
        self,
        client: SqsClient,
        hand: Hand,
        *,
        linger_seconds: float,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._hand = hand
        self._linger = linger_seconds
        self._metrics = metrics
        self._sleep = sleep
        self._pending: dict[str, list[tuple[Message, asyncio.Future[None]]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def acknowledge(self, message: Message) -> None:
        """Delete the message with the next batch of its queue."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        url = message.queue.url
        pending = self._pending.setdefault(url, [])
        pending.append((message, done))
        if len(pending) >= BATCH or self._linger == 0:
            self._send(url)
        elif url not in self._timers:
            self._timers[url] = loop.call_later(self._linger, self._send, url)
        await done

    async def flush(self) -> None:
        """Send what lingers and wait until every delete has ended."""
        for url in list(self._pending):
            self._send(url)
        while self._sending:
            await asyncio.gather(*self._sending)

    def _send(self, url: str) -> None:
        timer = self._timers.pop(url, None)
        if timer is not None:
            timer.cancel()
        batch = self._pending.pop(url, [])
        if batch:
            task = asyncio.create_task(self._delete(batch), name="delete batch")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _delete(self, batch: list[tuple[Message, asyncio.Future[None]]]) -> None:
        remaining = batch
        try:
            for delay in (*RETRY_SECONDS, None):
                remaining = await self._attempt(remaining)
                if not remaining:
                    return
                if delay is not None:
                    await self._sleep(delay)
            for message, _done in remaining:
                self._metrics.count("DeleteFailures")
                log.warning("delete_given_up", message_id=message.message_id, group_id=message.group_id)
        finally:
            for message, done in batch:
                self._hand.drop(message)
                if not done.done():
                    done.set_result(None)

    async def _attempt(
        self, batch: list[tuple[Message, asyncio.Future[None]]]
    ) -> list[tuple[Message, asyncio.Future[None]]]:
        """One DeleteMessageBatch; returns the entries worth another try."""
        try:
            answer: Mapping[str, Any] = await self._client.delete_message_batch(
                QueueUrl=batch[0][0].queue.url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message.receipt_handle}
                    for index, (message, _done) in enumerate(batch)
                ],
            )
        except Exception as exc:  # noqa: BLE001 - whatever the client raises, the deletes are tried again
            log.warning("delete_batch_failed", entries=len(batch), error=repr(exc))
            return batch
        again = []
        failed = {int(entry["Id"]): entry for entry in answer.get("Failed", ())}
        for index, (message, done) in enumerate(batch):
            entry = failed.get(index)
            if entry is not None and not entry.get("SenderFault", True):
                again.append((message, done))
                continue
            if entry is not None:
                # An expired or unknown handle: it was delivered again, or deleted before. Trying again cannot help.
                self._metrics.count("DeleteFailures")
                log.info("delete_refused", message_id=message.message_id, code=entry.get("Code"))
            self._hand.drop(message)
            if not done.done():
                done.set_result(None)
        return again
