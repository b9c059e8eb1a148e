"""``python -m worker``: everything from the environment."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Mapping
from typing import Any, cast

import httpx
import structlog

from fleet.aws import aws_clients
from fleet.connections import ConnectionStore
from fleet.connectors import Connectors, http_client
from fleet.executions import ExecutionStore
from fleet.health import Health
from fleet.helper_settings import load_helper_settings
from fleet.metrics import Metrics
from fleet.queues import QueueDirectory
from fleet.service import Process, run_service
from helpers import registry
from helpers.errors import MyFusionError
from worker.consumer import Consumer
from worker.control import Control
from worker.dead_letters import DeadLetters
from worker.protection import ScaleInProtection
from worker.runner import Runner
from worker.runs import Runs
from worker.settings import WorkerSettings
from worker.settlement import Settlement
from worker.sqs import QueueRef, SqsClient
from worker.watchdog import LoopWatchdog, resident_mb

log = structlog.get_logger(__name__)

METRICS_SECONDS = 10.0


class QueueMissing(MyFusionError):
    """No queue is provisioned for a served helper type."""


def new_worker_id() -> str:
    """Unique for each start: a restarted worker does not own its predecessor's leases."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


async def served_queues(directory: QueueDirectory, selector: str) -> list[QueueRef]:
    """The queues of the selected types. Raises QueueMissing when one is not provisioned."""
    queues = []
    for helper_type in registry.select(selector):
        url = await directory.url(helper_type)
        if url is None:
            raise QueueMissing(f"no queue URL for {helper_type!r} in SSM: apply Terraform or run `mfh provision` first")
        queues.append(QueueRef(helper_type, url, await directory.dead_letter_url(helper_type) or ""))
        # Imported here, at start: the first message must not wait for it, and a broken helper fails the deployment.
        registry.load(helper_type)
    return queues


async def serve(settings: WorkerSettings, process: Process) -> None:
    """Consume until the process stops, then drain."""
    types = registry.select(settings.helper_type)
    metrics = Metrics({"Service": "worker", "HelperType": settings.helper_type}, enabled=settings.metrics)
    # A long poll holds its connection: one for each queue and extra poller, and room for the rest.
    pool = len(types) + settings.worker_concurrency * 2 + 20
    async with aws_clients(settings, pool_connections=pool) as aws, httpx.AsyncClient(trust_env=False) as agent:
        queues = await served_queues(QueueDirectory(aws.ssm, settings.stage), settings.helper_type)
        sqs = cast("SqsClient", aws.sqs)
        helper_settings = await load_helper_settings(settings, aws.ssm)
        executions = ExecutionStore(aws.dynamodb, settings.executions_table)
        connections = ConnectionStore(aws.dynamodb, settings)
        connectors = Connectors(
            connections,
            helper_settings,
            cache_seconds=settings.worker_connection_cache_seconds,
            sandbox_path=settings.sandbox_crm_path,
        )
        http = http_client(helper_settings)
        runner = Runner(
            settings,
            new_worker_id(),
            executions,
            Runs(settings, helper_settings, aws, executions, connections, connectors, http),
            DeadLetters(sqs, metrics),
            metrics,
            settle=Settlement(aws, settings, executions).settle,
        )
        protection = ScaleInProtection(settings.ecs_agent_uri, agent)
        consumer = Consumer(
            sqs,
            queues,
            runner.handle,
            settings,
            metrics,
            extend_leases=runner.extend_leases,
            on_busy=protection.set_busy,
        )
        control = Control(
            aws.ssm,
            settings.stage,
            consumer,
            interval_seconds=settings.worker_control_seconds,
            default_concurrency=settings.worker_concurrency,
        )

        def health() -> Health:
            return Health(
                details={
                    "helper_types": types if len(types) <= 5 else len(types),
                    "in_hand": len(consumer.hand),
                    "groups": len(consumer.groups),
                    "draining": process.stopping.is_set(),
                }
            )

        process.health.report = health
        process.health.metrics = lambda: _levels(metrics, consumer)
        heartbeat = process.side_task("heartbeat", consumer.heartbeat.run())
        process.side_task("control", control.run())
        process.side_task("scale-in protection", protection.run())
        process.side_task("loop watchdog", LoopWatchdog(settings.worker_blocked_loop_seconds, metrics).run())
        process.side_task("metrics", _report(process, settings, consumer, metrics))
        polling = process.side_task("polling", consumer.run())
        log.info("worker_polling", helper_types=types, worker_concurrency=settings.worker_concurrency)
        await process.stopping.wait()
        # The heartbeat goes on during the drain: what still runs stays ours.
        process.expect_end(polling)
        await consumer.drain(polling)
        process.expect_end(heartbeat)
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
        await protection.release()
        await connectors.close()
        await http.aclose()
        metrics.flush()


async def _report(process: Process, settings: WorkerSettings, consumer: Consumer, metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(METRICS_SECONDS)
        consumer.report_levels()
        memory = resident_mb()
        metrics.gauge("ResidentMemory", memory, unit="None")
        metrics.flush()
        if settings.worker_memory_limit_mb and memory > settings.worker_memory_limit_mb:
            log.error("memory_limit_reached", resident_mb=round(memory), limit_mb=settings.worker_memory_limit_mb)
            process.fail(MyFusionError(f"resident memory {memory:.0f} MB is over WORKER_MEMORY_LIMIT_MB"))


def _levels(metrics: Metrics, consumer: Consumer) -> Mapping[str, Any]:
    consumer.report_levels()
    return metrics.totals


if __name__ == "__main__":
    run_service("worker", WorkerSettings, serve)
