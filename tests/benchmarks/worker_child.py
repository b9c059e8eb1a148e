"""Our worker, measured: ``python worker_child.py worker|writes MESSAGES``, settings from the environment.

Prints one JSON line: wall and CPU seconds from the first receive to the last delete, CPU seconds before it, peak
resident megabytes, and for every message the milliseconds from send to result. ``worker`` leaves the table writes out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from fleet import helper_runs
from fleet.execution import Execution
from fleet.health_server import HealthServer
from fleet.logging import configure_logging
from fleet.service import Process
from helpers import registry
from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from worker import service
from worker.settings import WorkerSettings

TYPE = "copy_it"
QUEUED = Execution(execution_id="", helper_type=TYPE, status="running")

results: list[float] = []
expected = 0
finished = asyncio.Event()


def note(sent_at: float) -> None:
    """A message has its result."""
    results.append((time.time() - sent_at) * 1000)
    if len(results) == expected:
        finished.set()


class NoConfig(HelperConfig):
    """Nothing to configure."""


class Noop(Helper[NoConfig]):
    """A helper that does nothing."""

    type = TYPE
    name = "Noop"
    category = "contact"
    description = "Does nothing."
    requires_crm = False
    example = Example(config={})

    async def execute(self, ctx: HelperContext[NoConfig]) -> HelperOutput:
        note(float(ctx.execution_id.rpartition("@")[2]))
        return HelperOutput.ok("done")


class NoWrites:
    """Claims and results without a table."""

    def __init__(self, _dynamodb: Any, _table: str) -> None:
        pass

    async def claim(self, execution_id: str, worker_id: str, lease_seconds: float) -> Execution:
        facts = {
            "execution_id": execution_id,
            "worker_id": worker_id,
            "attempts": 1,
            "lease_expires_at": time.time() + lease_seconds,
        }
        return QUEUED.model_copy(update=facts)

    async def extend(self, held: Execution, _lease_seconds: float) -> Execution:
        return held

    async def complete(self, held: Execution, _output: Any) -> Execution:
        return held


async def worker(settings: WorkerSettings) -> tuple[float, float, float]:
    """The worker as `python -m worker` builds it."""
    process = Process(HealthServer("bench", "127.0.0.1", 0))
    serving = asyncio.create_task(service.serve(settings, process))
    while not process.health.report().details.get("polling"):  # noqa: ASYNC110 - the worker has no event for this
        await asyncio.sleep(0)
    wall, cpu = time.perf_counter(), time.process_time()
    await finished.wait()
    while process.health.report().details["in_hand"]:  # noqa: ASYNC110 - the worker has no event for a benchmark
        await asyncio.sleep(0.001)
    taken = time.perf_counter() - wall, time.process_time() - cpu, cpu
    process.stop("benchmark is over")
    await serving
    await process.close()
    return taken


def ready() -> None:
    """Everything is imported; the first receive follows."""
    Path(os.environ["BENCH_READY"]).touch()


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024, 1)


async def main(variant: str, messages: int) -> None:
    global expected
    expected = messages
    settings = WorkerSettings.from_environment()
    configure_logging(settings, "bench")
    if variant == "worker":
        helper_runs.ExecutionStore = NoWrites  # type: ignore[assignment, misc]
    registry.load = lambda _helper_type: Noop  # type: ignore[assignment]
    ready()
    wall, cpu, start = await worker(settings)
    result = {
        "wall": wall,
        "cpu": cpu,
        "start_cpu": start,
        "peak_mb": peak_megabytes(),
        "milliseconds": results,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
