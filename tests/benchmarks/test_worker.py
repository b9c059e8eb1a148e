"""`make bench-worker`: one run, one emulator, the same messages, a helper that does nothing.

Our worker, without and with its table writes; a bare receive and delete loop (the limit); Celery's SQS transport;
Powertools' batch processor on boto3. WORKER_BENCH_MESSAGES (5,000) over a tenth as many groups are sent before each
throughput run; for the latency WORKER_BENCH_PACED (500) are sent at 100 a second to a waiting consumer.
BENCH_PYTHON is the interpreter with requirements/bench.txt; without it the rivals are left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet import names
from fleet.aws import AwsClients, aws_clients
from fleet.marshalling import item
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

MESSAGES = int(os.environ.get("WORKER_BENCH_MESSAGES", "5000"))
PACED = int(os.environ.get("WORKER_BENCH_PACED", "500"))
PACE = 100.0
TYPE = "copy_it"
HERE = Path(__file__).parent
BENCH_PYTHON = os.environ.get("BENCH_PYTHON", "")


@dataclass
class Bench:
    """A stage of its own on the emulator."""

    settings: FleetSettings
    aws: AwsClients
    queue_url: str
    folder: Path

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "STAGE": self.settings.stage,
            "AWS_ENDPOINT_URL": self.settings.aws_endpoint_url or "",
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": "us-west-2",
            "AWS_REGION": "us-west-2",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "HELPER_TYPE": TYPE,
            "WORKER_CONCURRENCY": "100",
            "WORKER_WAIT_TIME_SECONDS": "1",
            "METRICS": "false",
            "LOG_LEVEL": "warning",
            "BENCH_QUEUE_URL": self.queue_url,
            "BENCH_READY": str(self.folder / "ready"),
        }

    def bodies(self, number: int, *, now: bool) -> list[dict[str, Any]]:
        """Messages over a tenth as many contacts; the execution id ends with its instant of sending."""
        run = uuid.uuid4().hex[:8]
        instant = f"{time.time()}" if now else "now"
        return [
            {
                "execution_id": f"exec:{run}-{n}@{instant}",
                "helper_type": TYPE,
                "account_id": "acc",
                "contact_id": f"c{n % max(1, number // 10)}",
                "config": {"source_field": "company", "target_field": "billing_company"},
                "input": {},
                "query_params": {},
            }
            for n in range(number)
        ]

    async def store(self, bodies: Sequence[dict[str, Any]]) -> None:
        """The rows that claims need."""
        for start in range(0, len(bodies), 25):
            rows = [{**body, "status": "queued", "created_at": "2026-01-15T10:00:00Z"} for body in bodies[start:][:25]]
            requests: Any = [{"PutRequest": {"Item": item(row)}} for row in rows]
            await self.aws.dynamodb.batch_write_item(RequestItems={self.settings.executions_table: requests})

    async def send(self, bodies: Sequence[dict[str, Any]]) -> None:
        entries = [
            {
                "Id": str(n % 10),
                "MessageBody": json.dumps(body, separators=(",", ":")),
                "MessageGroupId": f"acc:{body['contact_id']}",
                "MessageDeduplicationId": uuid.uuid4().hex,
            }
            for n, body in enumerate(bodies)
        ]
        for start in range(0, len(entries), 10):
            await self.aws.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries[start : start + 10])  # type: ignore[arg-type]

    def sender(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [BENCH_PYTHON, str(HERE / "rival_child.py"), "send-celery"], env=self.environment(), stdin=subprocess.PIPE
        )

    async def send_celery(self, bodies: Sequence[dict[str, Any]], pause: float = 0.0) -> None:
        sender = self.sender()
        lines = [
            json.dumps(
                {
                    "execution_id": body["execution_id"],
                    "group": f"acc:{body['contact_id']}",
                    "deduplication_id": uuid.uuid4().hex,
                    "pause": pause,
                }
            )
            for body in bodies
        ]
        await asyncio.to_thread(sender.communicate, "\n".join(lines).encode())
        assert sender.returncode == 0


@asynccontextmanager
async def bench(embedded_url: str, folder: Path) -> AsyncIterator[Bench]:
    settings = FleetSettings(stage=f"t{uuid.uuid4().hex[:10]}", aws_endpoint_url=embedded_url)
    await asyncio.to_thread(Provisioner(settings).provision, [TYPE])
    async with aws_clients(settings) as aws:
        url = await aws.ssm.get_parameter(Name=names.queue_url_parameter(settings.stage, TYPE))
        yield Bench(settings, aws, url["Parameter"]["Value"], folder)


def child(stack: Bench, variant: str, messages: int) -> subprocess.Popen[bytes]:
    rival = variant in ("celery", "powertools")
    python, script = (
        (BENCH_PYTHON, "rival_child.py")
        if rival
        else (sys.executable, "bare_child.py" if variant == "bare" else "worker_child.py")
    )
    return subprocess.Popen(
        [python, str(HERE / script), variant, str(messages)], env=stack.environment(), stdout=subprocess.PIPE
    )


async def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, _ = await asyncio.to_thread(process.communicate, None, 300)
    result: dict[str, Any] = json.loads(next(line for line in output.splitlines() if line.startswith(b'{"wall"')))
    return result


async def throughput(embedded_url: str, folder: Path, variant: str) -> dict[str, Any]:
    async with bench(embedded_url, folder) as stack:
        bodies = stack.bodies(MESSAGES, now=True)
        if variant == "writes":
            await stack.store(bodies)
        await (stack.send_celery(bodies) if variant == "celery" else stack.send(bodies))
        return await answer(child(stack, variant, MESSAGES))


async def latency(embedded_url: str, folder: Path, variant: str) -> dict[str, Any]:
    async with bench(embedded_url, folder) as stack:
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        process = child(stack, variant, PACED)
        while not ready.exists():
            assert process.poll() is None, f"{variant} ended"
            await asyncio.sleep(0.02)
        await asyncio.sleep(2.0)
        if variant == "celery":
            await stack.send_celery(stack.bodies(PACED, now=False), pause=1 / PACE)
            return await answer(process)
        bodies = stack.bodies(PACED, now=False)
        for body in bodies:
            body["execution_id"] = body["execution_id"].replace("@now", f"@{time.time()}")
            if variant == "writes":
                await stack.store([body])
            await stack.send([body])
            await asyncio.sleep(1 / PACE)
        return await answer(process)


async def test_the_worker_against_the_limit_and_its_rivals(embedded_url: str, tmp_path: Path) -> None:
    """Measures, asserts nothing."""
    variants = ["bare", "worker", "writes", *(["powertools", "celery"] if BENCH_PYTHON else [])]
    rows: list[str] = []
    rates: dict[str, float] = {}
    cpus: dict[str, float] = {}
    starts: dict[str, float] = {}
    for variant in variants:
        fast = await throughput(embedded_url, tmp_path, variant)
        paced = await latency(embedded_url, tmp_path, variant)
        rates[variant] = MESSAGES / fast["wall"]
        cpus[variant] = fast["cpu"] / MESSAGES * 1000
        starts[variant] = min(fast["start_cpu"], paced["start_cpu"])
        cuts = statistics.quantiles(paced["milliseconds"], n=100)
        figures = (
            f"{rates[variant]:>8.0f}{cpus[variant]:>12.2f}{starts[variant]:>13.2f}"
            f"{fast['peak_mb']:>10.0f}{cuts[49]:>9.0f}{cuts[98]:>9.0f}"
        )
        rows.append(f"{variant:<11}{figures}")
    title = f"{MESSAGES} messages, {MESSAGES // 10} groups; latency at {PACE:.0f} messages/s"
    head = f"{'variant':<11}{'msg/s':>8}{'CPU s/1000':>12}{'start CPU s':>13}{'peak MB':>10}{'p50 ms':>9}{'p99 ms':>9}"
    ratios = (
        f"{what} {of['worker'] / of['bare']:.2f}" for what, of in (("rate", rates), ("CPU", cpus), ("start", starts))
    )
    rows.append(f"worker / bare: {', '.join(ratios)}")
    if "celery" in rates:
        rows.append(f"worker / celery: rate {rates['worker'] / rates['celery']:.1f}")
    sys.stdout.write("\n".join(["", title, head, *rows, ""]))
