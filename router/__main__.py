"""``python -m router``: everything from the environment."""

from __future__ import annotations

import os
import socket
import uuid
from typing import cast

from fleet import names
from fleet.aws import aws_clients
from fleet.clock import SystemClock
from fleet.execution_index import ExecutionIndex
from fleet.executions import ExecutionStore
from fleet.metrics import Metrics
from fleet.queues import QueueDirectory
from fleet.service import Process, run_service
from router.dead_letters import DeadLetters, SendsMessages, dead_letter_queue_from_ssm
from router.lease_table import DynamoLeaseTable
from router.router import Router, RouterPorts
from router.settings import RouterSettings
from router.streams import StreamsClient


def new_owner() -> str:
    """Unique for each start: a restarted router does not own the leases of the one before."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


async def serve(settings: RouterSettings, process: Process) -> None:
    """Route until the process stops, then hand over."""
    clock = SystemClock()
    metrics = Metrics({"Service": "router", "Stage": settings.stage}, enabled=settings.metrics)
    async with aws_clients(settings, pool_connections=256) as aws:
        executions = ExecutionStore(aws.dynamodb, settings.executions_table)
        sqs = cast("SendsMessages", aws.sqs)
        dead_letter_queue = dead_letter_queue_from_ssm(
            aws.ssm, names.router_dead_letter_queue_url_parameter(settings.stage)
        )
        ports = RouterPorts(
            streams=cast("StreamsClient", aws.streams),
            leases=DynamoLeaseTable(aws.dynamodb, settings.router_leases_table),
            sqs=sqs,
            directory=QueueDirectory(aws.ssm, settings.stage),
            dead_letters=DeadLetters(sqs, executions, dead_letter_queue, metrics),
            due=ExecutionIndex(aws.dynamodb, settings.executions_table),
            executions=executions,
        )
        router = Router(new_owner(), ports, settings, metrics, clock)
        process.health.report = router.health
        process.health.metrics = router.snapshot
        await router.run(process.stopping)


def main() -> None:
    """Run until SIGTERM."""
    run_service("router", RouterSettings, serve)


if __name__ == "__main__":
    main()
