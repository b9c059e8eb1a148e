"""One router: leases, sync and the consumers they start, over ports that are real or in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from fleet.clock import SystemClock
from fleet.health import Health
from fleet.metrics import Metrics
from router.backoff import spread
from router.consumer import FindsQueues, ShardConsumer
from router.coordinator import LeaseCoordinator, RunsUnderLease
from router.dead_letters import BuriesRecords, SendsMessages
from router.dispatcher import Dispatcher
from router.held_lease import HeldLease
from router.leases import SCHEDULER_KEY, LeaseTable
from router.outbox import Outbox
from router.pacing import Pacing
from router.reader import ShardReader
from router.scheduler import FindsDue, QueuesDue, Scheduler
from router.settings import RouterSettings
from router.shard_sync import ShardSync
from router.streams import AWS_ERRORS, StreamsClient, error_code

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RouterPorts:
    """Everything outside the process."""

    streams: StreamsClient
    leases: LeaseTable
    sqs: SendsMessages
    directory: FindsQueues
    dead_letters: BuriesRecords
    due: FindsDue
    executions: QueuesDue


class Router:
    """``await router.run(stopping)`` reads and dispatches until ``stopping`` is set, then hands everything over."""

    def __init__(
        self, owner: str, ports: RouterPorts, settings: RouterSettings, metrics: Metrics, clock: SystemClock
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._sync = ShardSync(
            ports.streams,
            ports.leases,
            settings.executions_table,
            clock,
            child_attempts=settings.router_child_listing_attempts,
        )
        self.coordinator = LeaseCoordinator(ports.leases, owner, self._start, settings, metrics, clock)

    async def run(self, stopping: asyncio.Event) -> None:
        """Raises what a loop raised unexpectedly: without its loops a router only looks alive."""
        renewing = asyncio.create_task(self.coordinator.renew(), name="renew leases")
        loops = [
            asyncio.create_task(self._sync_forever(), name="sync shards"),
            asyncio.create_task(self.coordinator.assign(), name="assign leases"),
            asyncio.create_task(self._report_forever(), name="report"),
        ]
        stop = asyncio.create_task(stopping.wait())
        try:
            done, _ = await asyncio.wait({renewing, stop, *loops}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                task.result()
        finally:
            # No lease is taken any more; those held are renewed until each is handed over.
            await _end(stop, *loops)
            await self.coordinator.stop()
            await _end(renewing)
            self._metrics.flush()

    async def _sync_forever(self) -> None:
        while True:
            try:
                if await self._sync.run_once():
                    self.coordinator.look()
                pause = self._settings.router_sync_seconds
            except AWS_ERRORS as exc:
                log.warning("shard_sync_failed", code=error_code(exc))
                pause = min(5.0, self._settings.router_sync_seconds)
            await asyncio.sleep(spread(pause))

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.router_metrics_seconds)
            self.report()

    def report(self) -> None:
        """Set the gauges and write the metric lines."""
        shards = self._shards()
        self._metrics.gauge("LeaseCount", len(shards))
        self._metrics.gauge(
            "ShardStalled", max((shard.stalled_seconds() for shard in shards), default=0.0), unit="Seconds"
        )
        self._metrics.gauge("ShardsParked", sum(shard.parked for shard in shards))
        for shard in shards:
            self._metrics.gauge(
                "ShardLag",
                shard.reader.iterator_age_seconds * 1000,
                unit="Milliseconds",
                ShardId=shard.held.lease.shard_id,
            )
        self._metrics.flush()

    def _shards(self) -> list[ShardConsumer]:
        return [h.consumer for h in self.coordinator.holdings.values() if isinstance(h.consumer, ShardConsumer)]

    def _start(self, held: HeldLease) -> RunsUnderLease:
        settings, ports = self._settings, self._ports
        if held.key == SCHEDULER_KEY:
            return Scheduler(held, ports.due, ports.executions, settings, self._metrics, self._clock)
        lease = held.lease
        outbox = Outbox(lease.checkpoint)
        reader = ShardReader(
            ports.streams,
            lease.stream_arn,
            lease.shard_id,
            lease.checkpoint,
            pacing=Pacing(
                active_seconds=settings.router_active_poll_seconds,
                idle_seconds=settings.router_idle_poll_seconds,
                page_records=settings.router_page_records,
            ),
            page_records=settings.router_page_records,
            trimmed_data=settings.router_trimmed_data,
            metrics=self._metrics,
            clock=self._clock,
        )
        dispatcher = Dispatcher(
            outbox,
            ports.sqs,
            ports.dead_letters,
            self._metrics,
            self._clock,
            may_send=lambda: held.valid,
            sends_in_flight=settings.router_sends_in_flight,
        )
        return ShardConsumer(
            held,
            reader,
            outbox,
            dispatcher,
            ports.directory,
            self._sync.find_children,
            settings,
            self._metrics,
            self._clock,
        )

    # health ---------------------------------------------------------------------------------------------
    def health(self) -> Health:
        """Unhealthy when the lease table was not read, or a shard has not moved while records wait, for too long."""
        limit = self._settings.router_stall_seconds
        now = self._clock.monotonic()
        stalled = {
            key: round(seconds, 1)
            for key, holding in self.coordinator.holdings.items()
            if (seconds := holding.consumer.stalled_seconds()) > limit
        }
        scan_age = now - self.coordinator.scanned_at
        details: dict[str, Any] = {
            "owner": self.coordinator.owner,
            "leases": sorted(self.coordinator.holdings),
            "stalled": stalled,
            "parked": [shard.held.key for shard in self._shards() if shard.parked],
            "lease_scan_age_seconds": round(scan_age, 1),
        }
        return Health(healthy=not stalled and scan_age <= limit, details=details)

    def snapshot(self) -> dict[str, Any]:
        """The process totals and the state of every shard held, for ``GET /metrics``."""
        return {
            "totals": dict(self._metrics.totals),
            "shards": {
                shard.held.key: {
                    "checkpoint": shard.held.lease.checkpoint,
                    "lag_seconds": round(shard.reader.iterator_age_seconds, 3),
                    "stalled_seconds": round(shard.stalled_seconds(), 1),
                    "owner_switches": shard.held.lease.owner_switches,
                    "parked": shard.parked,
                }
                for shard in self._shards()
            },
        }


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
