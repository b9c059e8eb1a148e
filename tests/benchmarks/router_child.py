"""One measured process: ``python router_child.py bare|router RECORDS``, settings from the environment.

Prints one JSON line: records, wall and CPU seconds from the first call to the last record, resident megabytes on
the way. Both variants run on the same loop and the same clients; the bare one only reads and sends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import uvloop

from fleet import names
from fleet.aws import AwsClients, aws_clients
from fleet.clock import SystemClock
from fleet.envelope import deduplication_id
from fleet.execution_index import ExecutionIndex
from fleet.executions import ExecutionStore
from fleet.logging import configure_logging
from fleet.metrics import Metrics
from fleet.queues import QueueDirectory
from router.dead_letters import DeadLetters, dead_letter_queue_from_ssm
from router.lease_table import DynamoLeaseTable
from router.listing import list_shards, list_streams
from router.router import Router, RouterPorts
from router.settings import RouterSettings

SENDERS = 4
BATCH = 10


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


async def bare(settings: RouterSettings, aws: AwsClients, records: int) -> None:
    """GetRecords with 1,000, SendMessageBatch with 10, four senders; no leases, no order, no checkpoints."""
    directory = QueueDirectory(aws.ssm, settings.stage)
    arn = (await list_streams(aws.streams, settings.executions_table))[-1]
    shard = next((await list_shards(aws.streams, arn)).graph.in_lineage_order())
    iterator = (
        await aws.streams.get_shard_iterator(StreamArn=arn, ShardId=shard.shard_id, ShardIteratorType="TRIM_HORIZON")
    )["ShardIterator"]
    sent = 0
    while sent < records:
        page = await aws.streams.get_records(ShardIterator=iterator, Limit=1000)
        iterator = page["NextShardIterator"]
        by_url: dict[str, list[dict[str, Any]]] = {}
        for record in page["Records"]:
            image = record["dynamodb"]["NewImage"]
            url = await directory.url(image["helper_type"]["S"])
            entries = by_url.setdefault(url or "", [])
            entries.append(
                {
                    "Id": str(len(entries) % BATCH),
                    "MessageBody": json.dumps(image),
                    "MessageGroupId": f"{image['account_id']['S']}:{image['contact_id']['S']}",
                    "MessageDeduplicationId": deduplication_id(image["execution_id"]["S"]),
                }
            )
        # One batch of each queue in turn, as the router sends them: it makes a difference to the emulator.
        batches = [
            (url, entries[start : start + BATCH])
            for start in range(0, max(map(len, by_url.values()), default=0), BATCH)
            for url, entries in by_url.items()
            if entries[start:]
        ]

        async def sender(batches: list[Any] = batches) -> None:
            while batches:
                url, entries = batches.pop()
                await aws.sqs.send_message_batch(QueueUrl=url, Entries=entries)

        await asyncio.gather(*(sender() for _ in range(SENDERS)))
        sent += len(page["Records"])


async def routed(settings: RouterSettings, aws: AwsClients, records: int) -> None:
    """The router as `python -m router` builds it."""
    metrics = Metrics(enabled=False)
    executions = ExecutionStore(aws.dynamodb, settings.executions_table)
    dead_letter_queue = dead_letter_queue_from_ssm(
        aws.ssm, names.router_dead_letter_queue_url_parameter(settings.stage)
    )
    ports = RouterPorts(
        streams=cast("Any", aws.streams),
        leases=DynamoLeaseTable(aws.dynamodb, settings.router_leases_table),
        sqs=cast("Any", aws.sqs),
        directory=QueueDirectory(aws.ssm, settings.stage),
        dead_letters=DeadLetters(cast("Any", aws.sqs), executions, dead_letter_queue, metrics),
        due=ExecutionIndex(aws.dynamodb, settings.executions_table),
        executions=executions,
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(Router("bench", ports, settings, metrics, SystemClock()).run(stopping))
    while metrics.totals["RecordsRouted"] < records:  # noqa: ASYNC110 - the router has no event for a benchmark
        await asyncio.sleep(0.01)
    stopping.set()
    await running


VARIANTS: dict[str, Callable[[RouterSettings, AwsClients, int], Awaitable[None]]] = {"bare": bare, "router": routed}


async def main(variant: str, records: int) -> None:
    settings = RouterSettings.from_environment()
    configure_logging(settings, "bench")
    resident: list[float] = []

    async def watch() -> None:
        while True:
            resident.append(resident_mb())
            await asyncio.sleep(1.0)

    async with aws_clients(settings, pool_connections=256) as aws:
        watching = asyncio.create_task(watch())
        wall, cpu = time.perf_counter(), time.process_time()
        await VARIANTS[variant](settings, aws, records)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        watching.cancel()
    result = {"variant": variant, "records": records, "wall": wall, "cpu": cpu, "resident_mb": resident}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
