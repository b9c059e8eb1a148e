"""The limit: ``python bare_child.py bare MESSAGES``, a bare aiobotocore receive and delete loop, nothing else imported.

Prints one JSON line like its siblings: wall and CPU seconds from the first receive to the last delete, CPU seconds
before it, peak resident megabytes, and for every message the milliseconds from send to result.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

LOOPS = 8


def ready() -> None:
    """Everything is imported; the first receive follows."""
    Path(os.environ["BENCH_READY"]).touch()


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024, 1)


async def main(messages: int) -> None:
    url = os.environ["BENCH_QUEUE_URL"]
    results: list[float] = []
    config = AioConfig(max_pool_connections=64)
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    async with get_session().create_client("sqs", endpoint_url=endpoint, config=config) as sqs:

        async def consume() -> None:
            while len(results) < messages:
                answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
                received = answer.get("Messages", [])
                for message in received:
                    sent_at = float(json.loads(message["Body"])["execution_id"].rpartition("@")[2])
                    results.append((time.time() - sent_at) * 1000)
                if received:
                    entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(received)]
                    await sqs.delete_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]
                if len(results) >= messages and not taken:
                    taken.extend((time.perf_counter() - wall, time.process_time() - cpu, cpu))

        taken: list[float] = []
        ready()
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(consume() for _ in range(LOOPS)))
    result = {
        "wall": taken[0],
        "cpu": taken[1],
        "start_cpu": taken[2],
        "peak_mb": peak_megabytes(),
        "milliseconds": results,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[2])))
