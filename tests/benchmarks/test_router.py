"""`make bench-router`: throughput and CPU against a bare loop in the same run, memory, latency, hand-over.

ROUTER_BENCH_RECORDS (20,000) is the size of the throughput run, ROUTER_BENCH_SECONDS (10) the length of each
latency run.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet import names
from fleet.aws import AwsClients, aws_clients
from fleet.clock import instant_text
from fleet.execution import schedule_bucket
from fleet.health import check
from fleet.local import emulator as embedded
from fleet.marshalling import item
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings
from helpers.registry import inventory
from router.lease_table import DynamoLeaseTable
from router.leases import SCHEDULER_KEY
from router.settings import RouterSettings

pytestmark = [pytest.mark.benchmark, pytest.mark.stack, pytest.mark.timeout(1800)]

RECORDS = int(os.environ.get("ROUTER_BENCH_RECORDS", "20000"))
SECONDS = float(os.environ.get("ROUTER_BENCH_SECONDS", "10"))
TYPES = sorted(inventory())[:20]
CONTACTS = 2000
CHILD = Path(__file__).with_name("router_child.py")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


@contextmanager
def fresh_emulator() -> Iterator[str]:
    """The endpoint of an emulator that holds nothing yet: it gets slower with every message it has ever seen."""
    port = embedded.free_port()
    process = subprocess.Popen(
        embedded.command(),
        env={**os.environ, **embedded.environment(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = embedded.endpoint(port)
    try:
        deadline = time.monotonic() + 30
        while check(url + embedded.READY_PATH):
            assert time.monotonic() < deadline, "the emulator was not ready after 30 s"
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def stage(url: str, name: str) -> FleetSettings:
    settings = FleetSettings(stage=name, aws_endpoint_url=url)
    Provisioner(settings).provision(TYPES)
    return settings


def execution(number: int, **values: Any) -> dict[str, Any]:
    return {
        "execution_id": f"exec:0197a1b2-{number:08d}-7000-8000-{time.time_ns() % 10**12:012d}",
        "helper_id": "helper:0197a1b2-0000-7000-8000-000000000001",
        "helper_type": TYPES[number % len(TYPES)],
        "account_id": "account:0197a1b2-0000-7000-8000-000000000002",
        "connection_id": "connection:1",
        "contact_id": f"c{number % CONTACTS}",
        "config": {"action": "apply", "tag_ids": ["12", "77", "123"], "note": "x" * 200},
        "input": {"source": "bench"},
        "trigger_type": "api",
        "status": "queued",
        "created_at": "2026-01-15T10:00:00Z",
        **values,
    }


async def load(settings: FleetSettings, records: int, **values: Any) -> None:
    async with aws_clients(settings) as aws:
        for start in range(0, records, 500):
            chunks = [range(first, min(first + 25, records)) for first in range(start, min(start + 500, records), 25)]
            await asyncio.gather(*(write(aws, settings, chunk, values) for chunk in chunks))


async def write(aws: AwsClients, settings: FleetSettings, numbers: Iterable[int], values: Mapping[str, Any]) -> None:
    items = [execution(number, **values) for number in numbers]
    if "not_before" in values:
        items = [{**values, "schedule_bucket": schedule_bucket(values["execution_id"])} for values in items]
    requests = [{"PutRequest": {"Item": item(values)}} for values in items]
    await aws.dynamodb.batch_write_item(RequestItems={settings.executions_table: requests})  # type: ignore[dict-item]


def environment(settings: FleetSettings) -> dict[str, str]:
    return {
        **os.environ,
        "STAGE": settings.stage,
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url or "",
        "LOG_LEVEL": "error",
    }


def measure(settings: FleetSettings, variant: str, records: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(CHILD), variant, str(records)],
        env=environment(settings),
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(result: dict[str, Any]) -> str:
    rate, cpu = result["records"] / result["wall"], result["cpu"] / result["records"] * 1000
    resident = result["resident_mb"]
    tenth = max(1, len(resident) // 10)
    begin, end = statistics.mean(resident[tenth : 2 * tenth + 1]), statistics.mean(resident[-tenth:])
    return (
        f"{result['variant']:7} {result['records']:7} records {rate:7.0f}/s   {cpu:.3f} CPU s per 1,000"
        f"   RSS {begin:.0f} -> {end:.0f} MB"
    )


def test_throughput_and_cpu_against_a_bare_loop() -> None:
    """Both variants route the same records, each twice, alternating, every time on a fresh emulator."""
    results: dict[str, list[dict[str, Any]]] = {"bare": [], "router": []}
    for turn in range(2):
        for variant in results:
            with fresh_emulator() as url:
                settings = stage(url, f"b{variant}{turn}")
                asyncio.run(load(settings, RECORDS))
                results[variant].append(measure(settings, variant, RECORDS))
            say(report(results[variant][-1]))
    wall = {variant: min(result["wall"] for result in runs) for variant, runs in results.items()}
    cpu = {variant: min(result["cpu"] for result in runs) for variant, runs in results.items()}
    say(f"router / bare: rate {wall['bare'] / wall['router']:.2f}, CPU {cpu['router'] / cpu['bare']:.2f}")


def test_ten_thousand_scheduled_executions_due_at_once() -> None:
    """From the start of the router until the last of them is in its queue."""
    with fresh_emulator() as url:
        settings = stage(url, "due")
        asyncio.run(load(settings, 10_000, status="scheduled", not_before="2026-01-15T10:00:00Z"))
        result = measure(settings, "router", 10_000)
    say(f"10,000 due at once: all queued and dispatched after {result['wall']:.1f} s, {result['cpu']:.1f} CPU s")


@contextmanager
def routers(settings: FleetSettings, number: int = 1) -> Iterator[None]:
    """So many router processes, which are gone afterwards."""
    variables = {**environment(settings), "METRICS": "false"}
    processes = [subprocess.Popen([sys.executable, "-m", "router"], env=variables) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


async def quiet() -> None:
    """Nothing happens meanwhile."""


@pytest.mark.parametrize("rate", [10, 500])
def test_latency_from_insert_to_message(rate: int) -> None:
    """From the start of PutItem to the queue's SentTimestamp, by a router process of its own."""
    with fresh_emulator() as url:
        settings = stage(url, f"lat{rate}")
        with routers(settings):
            latencies = asyncio.run(insert_and_receive(settings, rate))
    cuts = statistics.quantiles(latencies, n=100)
    say(f"{rate:4}/s: {len(latencies)} records, p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_longest_wait_when_the_owner_of_a_shard_ends(number: signal.Signals) -> None:
    """Of two routers the one that reads the shard is ended in mid-stream; the other goes on."""
    with fresh_emulator() as url:
        settings = stage(url, f"end{number}")

        async def end_owner() -> None:
            await asyncio.sleep(SECONDS / 3)
            async with aws_clients(settings) as aws:
                leases = await DynamoLeaseTable(aws.dynamodb, settings.router_leases_table).scan()
            owner = next(lease.owner for lease in leases if lease.key != SCHEDULER_KEY)
            os.kill(int(str(owner).split(":")[1]), number)

        with routers(settings, 2):
            latencies = asyncio.run(insert_and_receive(settings, 50, meanwhile=end_owner))
    longest = max(latencies) / 1000
    failover = RouterSettings(aws_endpoint_url=url).router_failover_seconds
    say(f"{number.name}: the longest wait was {longest:.1f} s, {longest / failover:.2f} failover times")


@pytest.mark.parametrize("rate", [10, 100])
def test_lateness_of_scheduled_executions(rate: int) -> None:
    """From not_before to the queue's SentTimestamp."""
    with fresh_emulator() as url:
        settings = stage(url, f"sched{rate}")
        with routers(settings):
            latencies = asyncio.run(insert_and_receive(settings, rate, ahead=timedelta(seconds=5)))
    cuts = statistics.quantiles(latencies, n=100)
    say(f"{rate:4}/s due: {len(latencies)} executions, late by p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms")


async def insert_and_receive(
    settings: FleetSettings,
    rate: int,
    *,
    ahead: timedelta | None = None,
    meanwhile: Callable[[], Coroutine[Any, Any, None]] = quiet,
) -> list[float]:
    """Milliseconds from each insert, or from the instant it is scheduled for, to its message."""
    begun: dict[str, float] = {}
    async with aws_clients(settings) as aws:
        name = names.queue(settings.stage, TYPES[0])
        url = (await aws.sqs.get_queue_url(QueueName=name))["QueueUrl"]

        async def insert(number: int) -> None:
            values = execution(number, helper_type=TYPES[0], contact_id=f"c{number}")
            begun[values["execution_id"]] = time.time()
            if ahead and number:
                due = (datetime.now(UTC) + ahead).replace(microsecond=0)
                begun[values["execution_id"]] = due.timestamp()
                values |= {"status": "scheduled", "not_before": instant_text(due)}
                values["schedule_bucket"] = schedule_bucket(values["execution_id"])
            await aws.dynamodb.put_item(TableName=settings.executions_table, Item=item(values))

        async def receive(latencies: list[float], expected: int) -> None:
            while len(latencies) < expected:
                answer = await aws.sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["SentTimestamp"]
                )
                messages = answer.get("Messages", [])
                for message in messages:
                    started = begun[json.loads(message["Body"])["execution_id"]]
                    latencies.append(int(message["Attributes"]["SentTimestamp"]) - started * 1000)
                if messages:
                    await aws.sqs.delete_message_batch(
                        QueueUrl=url,
                        Entries=[
                            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                            for number, message in enumerate(messages)
                        ],
                    )

        # The first record waits for the router's start; it is not measured.
        latencies: list[float] = []
        await insert(0)
        await receive(latencies, 1)
        latencies.clear()
        expected = int(rate * SECONDS)
        receiving = asyncio.create_task(receive(latencies, expected))
        start = time.perf_counter()
        async with asyncio.TaskGroup() as inserts:
            inserts.create_task(meanwhile())
            for number in range(1, expected + 1):
                inserts.create_task(insert(number))
                await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        await receiving
    return latencies
