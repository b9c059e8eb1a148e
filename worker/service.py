"""The worker process: queue → helper → result, from start to drain."""

from __future__ import annotations

import asyncio
import socket
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import structlog

from fleet.aws import AwsClients, aws_clients
from fleet.health import Health
from fleet.helper_runs import HelperRuns
from fleet.metrics import Metrics
from fleet.queues import QueueDirectory
from fleet.service import Process
from fleet.settings import SettingsRefused
from helpers import registry
from helpers.errors import FieldProblem, MyFusionError
from worker.consumer import Consumer
from worker.control import Control, ControlWatch
from worker.drain import Drain
from worker.heartbeat import Heartbeat
from worker.permits import Permits
from worker.ports import Policy
from worker.protection import EcsAgent, Protection
from worker.report import report
from worker.run_counter import RunCounter
from worker.runner import HelperRunner
from worker.settings import VISIBILITY_CEILING_SECONDS, WorkerSettings
from worker.settlement import Settlement
from worker.source_queue import SourceQueue, SqsClient
from worker.watchdog import LoopWatchdog, MemoryWatch

log = structlog.get_logger(__name__)

METRICS_FLUSH_SECONDS = 10.0
# Receives that are never cancelled need a connection each, next to those of the work itself.
SPARE_CONNECTIONS = 32


class QueueMissing(MyFusionError):
    """A served helper type has no queue parameter: provision it, or serve another type."""


@dataclass(slots=True)
class _Progress:
    polled: bool = False
    consumers: list[Consumer] = field(default_factory=list)

    def groups_at_work(self) -> int:
        return sum(len(consumer.groups) for consumer in self.consumers)

    def running(self) -> list[str]:
        return [execution_id for consumer in self.consumers for execution_id in list(consumer.processor.running)]

    def on_poll(self) -> None:
        self.polled = True


async def serve(settings: WorkerSettings, process: Process) -> None:
    """Serve the settings' helper types until the process is asked to stop, then drain."""
    types = settings.helper_types
    metrics = Metrics({"Service": "worker", "Stage": settings.stage}, enabled=settings.metrics)
    if settings.concurrency > settings.worker_concurrency:
        log.warning("concurrency_raised", configured=settings.worker_concurrency, used=settings.concurrency)
    async with AsyncExitStack() as stack:
        connections = len(types) + settings.concurrency // 10 + SPARE_CONNECTIONS
        aws = await stack.enter_async_context(aws_clients(settings, pool_connections=connections))
        runs = await stack.enter_async_context(
            HelperRuns.open(settings, aws, connection_cache_seconds=settings.worker_connection_cache_seconds)
        )
        await _Worker(settings, process, metrics, aws, runs).run(stack)


class _Worker:
    def __init__(
        self, settings: WorkerSettings, process: Process, metrics: Metrics, aws: AwsClients, runs: HelperRuns
    ) -> None:
        self._settings = settings
        self._process = process
        self._metrics = metrics
        self._aws = aws
        self._runs = runs
        self._settlement = Settlement(aws, settings, runs.executions)
        self._run_counter = RunCounter(runs.stored_helpers)
        self._types = settings.helper_types
        self._permits = Permits(settings.concurrency, self._types)
        self._progress = _Progress()
        self._protection: Protection | None = None
        # Set when leases end that nobody extends: those of a dead heartbeat, that of a helper that runs away.
        self._hurry = asyncio.Event()

    async def run(self, stack: AsyncExitStack) -> None:
        settings, process = self._settings, self._process
        worker_id = f"{socket.gethostname()}:{uuid.uuid4().hex[:12]}"
        await self._start_protection(stack)
        directory = QueueDirectory(self._aws.ssm, settings.stage)
        for helper_type in self._types:
            self._progress.consumers.append(await self._consumer(helper_type, directory, worker_id))
        consumers = self._progress.consumers
        process.health.report = self._health
        process.health.metrics = lambda: dict(self._metrics.totals)
        acknowledgers = [process.side_task(f"acknowledge {c.helper_type}", c.acknowledger.run()) for c in consumers]
        heartbeat = Heartbeat(
            [consumer.in_hand for consumer in consumers],
            self._runs.executions,
            self._metrics,
            visibility_seconds=settings.worker_visibility_seconds,
        )
        process.side_task("heartbeat", heartbeat.run()).add_done_callback(lambda _task: self._hurry.set())
        self._start_watches()
        pollers = [process.side_task(f"poll {c.helper_type}", c.poller.run()) for c in consumers]
        log.info("worker_started", worker_id=worker_id, helper_types=len(self._types), concurrency=settings.concurrency)
        await process.stopping.wait()
        for task in (*pollers, *acknowledgers):
            process.expect_end(task)
        await Drain(consumers, self._permits, pollers, acknowledgers, self._hurry).run(
            settings.worker_drain_running_seconds, settings.worker_drain_flush_seconds
        )
        await self._run_counter.last_flush()
        if self._protection is not None:
            await self._protection.release()
        self._metrics.flush()

    async def _consumer(self, helper_type: str, directory: QueueDirectory, worker_id: str) -> Consumer:
        settings = self._settings
        url, dead_letter_url = await directory.url(helper_type), await directory.dead_letter_url(helper_type)
        if url is None or dead_letter_url is None:
            raise QueueMissing(f"helper type {helper_type!r} has no queue in stage {settings.stage!r}: provision it")
        helper = registry.load(helper_type)
        if helper.timeout_seconds + settings.worker_cancel_grace_seconds >= VISIBILITY_CEILING_SECONDS:
            raise SettingsRefused(
                [FieldProblem(f"{helper_type}.timeout_seconds", "write less than the 12 h that SQS hides a message")]
            )
        queue = SourceQueue(
            cast("SqsClient", self._aws.sqs),  # the stubs' typed dicts are plain mappings here
            helper_type,
            url,
            dead_letter_url,
            visibility_seconds=settings.worker_visibility_seconds,
            wait_seconds=settings.worker_wait_time_seconds,
        )
        return Consumer(
            queue,
            HelperRunner(helper, self._runs, self._settlement, self._run_counter),
            self._runs.executions,
            self._permits,
            self._metrics,
            Policy(
                max_attempts=settings.worker_max_attempts,
                lease_seconds=settings.worker_visibility_seconds,
                backoff_base_seconds=settings.worker_backoff_base_seconds,
                backoff_cap_seconds=settings.worker_backoff_cap_seconds,
                cancel_grace_seconds=settings.worker_cancel_grace_seconds,
            ),
            worker_id=worker_id,
            linger_seconds=settings.worker_ack_linger_milliseconds / 1000,
            pooled=len(self._types) > 1,
            clock=self._runs.clock,
            on_change=self._work_changed,
            on_poll=self._progress.on_poll,
            on_runaway=self._ran_away,
        )

    def _ran_away(self, failure: BaseException) -> None:
        self._hurry.set()
        self._process.fail(failure)

    async def _start_protection(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        if not settings.ecs_agent_uri:
            return
        # The agent is link-local: neither a proxy nor the egress rule of helpers applies to it.
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        self._protection = Protection(
            EcsAgent(client, settings.ecs_agent_uri),
            self._metrics,
            expires_in_minutes=settings.worker_protection_minutes,
            idle_seconds=settings.worker_protection_idle_seconds,
        )
        self._process.side_task("protection", self._protection.run())

    def _start_watches(self) -> None:
        settings, process = self._settings, self._process
        control = ControlWatch(
            self._aws.ssm,
            settings.stage,
            self._types,
            self._apply_control,
            seconds=settings.worker_control_poll_seconds,
        )
        process.side_task("control", control.run())
        process.side_task("metrics", self._flush_metrics())
        process.side_task("run counter", self._run_counter.run())
        watchdog = LoopWatchdog(settings.worker_blocked_loop_seconds, self._metrics, self._progress.running)
        process.side_task("loop watchdog", watchdog.run())
        if settings.worker_memory_limit_megabytes:
            process.side_task("memory", MemoryWatch(settings.worker_memory_limit_megabytes, process.fail).run())

    def _apply_control(self, helper_type: str, control: Control) -> None:
        if len(self._types) == 1:
            self._permits.resize(control.concurrency or self._settings.concurrency)
        self._permits.limit(helper_type, control.maximum)

    def _work_changed(self) -> None:
        if self._protection is not None:
            self._protection.busy(self._progress.groups_at_work() > 0)

    def _health(self) -> Health:
        details: dict[str, Any] = {
            "polling": self._progress.polled,
            "groups_at_work": self._progress.groups_at_work(),
            "in_hand": sum(len(consumer.in_hand) for consumer in self._progress.consumers),
            "permits": self._permits.capacity,
            "permits_in_use": self._permits.in_use(),
            "draining": self._process.stopping.is_set(),
        }
        return Health(healthy=self._progress.polled, details=details)

    async def _flush_metrics(self) -> None:
        while True:
            await asyncio.sleep(METRICS_FLUSH_SECONDS)
            report(self._metrics, self._permits, self._progress.consumers, worker_name=self._settings.worker_name)
