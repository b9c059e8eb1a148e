"""The consumer: pollers, groups, heartbeat and acknowledger of the queues one process serves, and their drain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from fleet.metrics import Metrics
from worker.acknowledger import Acknowledger
from worker.groups import Groups, Handler
from worker.hand import Hand
from worker.heartbeat import Heartbeat
from worker.outcomes import Outcome
from worker.permits import Permits
from worker.poller import Poller
from worker.settings import WorkerSettings
from worker.sqs import BATCH, Message, QueueRef, SqsClient

log = structlog.get_logger(__name__)


async def _no_leases() -> None:
    """A handler without leases has none to extend."""


class Consumer:
    """Receives, handles and deletes messages of several queues until :meth:`drain`.

    ``on_busy`` is called with True when the first group starts and with False when the last one ended.
    """

    def __init__(
        self,
        client: SqsClient,
        queues: Sequence[QueueRef],
        handler: Handler,
        settings: WorkerSettings,
        metrics: Metrics,
        *,
        extend_leases: Callable[[], Awaitable[None]] = _no_leases,
        on_busy: Callable[[bool], None] = lambda _busy: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._on_busy = on_busy
        self._busy = False
        self.hand = Hand()
        self.permits = Permits(settings.worker_concurrency, [queue.url for queue in queues])
        self.acknowledger = Acknowledger(
            client, self.hand, linger_seconds=settings.worker_delete_linger_seconds, metrics=metrics
        )
        self.groups = Groups(
            client, self.hand, self.acknowledger, self._announced(handler), on_idle=self._group_ended, metrics=metrics
        )
        self.heartbeat = Heartbeat(
            client,
            self.hand,
            interval_seconds=settings.heartbeat_seconds,
            visibility_seconds=settings.worker_visibility_seconds,
            extend_leases=extend_leases,
            monotonic=monotonic,
            metrics=metrics,
        )
        self.pollers = {
            queue.helper_type: Poller(
                client,
                queue,
                self.permits,
                self.groups,
                poll_seconds=settings.worker_poll_seconds,
                visibility_seconds=settings.worker_visibility_seconds,
                max_pollers=settings.worker_concurrency // BATCH,
                idle_permits=BATCH if len(queues) == 1 else 1,
                monotonic=monotonic,
                metrics=metrics,
            )
            for queue in queues
        }

    async def run(self) -> None:
        """Poll all queues; returns after :meth:`stop_polling`, when the last receive in flight has ended."""
        async with asyncio.TaskGroup() as pollers:
            for helper_type, poller in self.pollers.items():
                pollers.create_task(poller.run(), name=f"poller {helper_type}")

    def stop_polling(self) -> None:
        """Start no further receive and no further message."""
        self.groups.drain()
        for poller in self.pollers.values():
            poller.stop()

    async def drain(self, polling: asyncio.Task[None]) -> None:
        """Two bounded phases. T1: running helpers may finish, receives in flight end and are released.

        T2: what still runs is cancelled and given back, what never started is released, deletes are flushed.
        """
        self.stop_polling()
        try:
            async with asyncio.timeout(self._settings.worker_drain_seconds):
                await asyncio.shield(polling)
                await self.groups.wait_idle()
        except TimeoutError:
            log.warning("drain_interrupts", groups=len(self.groups), in_hand=len(self.hand))
        try:
            async with asyncio.timeout(self._settings.worker_flush_seconds):
                self.groups.interrupt()
                await self.groups.wait_idle()
                await asyncio.shield(polling)
                # A receive that ended only now has started groups, which release at once.
                await self.groups.wait_idle()
                await self.acknowledger.flush()
        except TimeoutError:
            log.warning("drain_incomplete", groups=len(self.groups), in_hand=len(self.hand))

    async def _group_ended(self, queue_url: str) -> None:
        await self.permits.release(queue_url)
        self._edge()

    def _announced(self, handler: Handler) -> Handler:
        async def handle(message: Message) -> Outcome:
            self._edge()
            return await handler(message)

        return handle

    def _edge(self) -> None:
        """Report the change between busy and idle, once per change."""
        busy = len(self.groups) > 0
        if busy != self._busy:
            self._busy = busy
            self._on_busy(busy)

    def report_levels(self) -> None:
        """Set the gauges."""
        self._metrics.gauge("InFlight", len(self.hand))
        self._metrics.gauge("GroupsInFlight", len(self.groups))
        self._metrics.gauge("PermitsInUse", self.permits.in_use)
