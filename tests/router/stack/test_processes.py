"""Router processes that are killed, stopped and terminated under load; how fast others go on, the benchmark says.

ROUTER_KILL_SECONDS (16) is the length of the kill -9 run; the full proof is 60.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from fleet.aws import AwsClients
from fleet.settings import FleetSettings
from router.lease_table import DynamoLeaseTable
from router.leases import SCHEDULER_KEY, Lease

if TYPE_CHECKING:
    from tests.router.stack.conftest import Routers, Traffic

pytestmark = [
    pytest.mark.stack,
    pytest.mark.embedded("many a failover time under load; LocalStack's tables are ten times slower"),
]

KILL_SECONDS = float(os.environ.get("ROUTER_KILL_SECONDS", "16"))


async def shard_lease(aws: AwsClients, settings: FleetSettings) -> Lease:
    leases = await DynamoLeaseTable(aws.dynamodb, settings.router_leases_table).scan()
    return next(lease for lease in leases if lease.key != SCHEDULER_KEY)


def owner_of(routers: Routers, lease: Lease) -> str:
    """The name of the process that owns the lease: owners are host:pid:random."""
    pid = int((lease.owner or ":0").split(":")[1])
    return next(name for name, process in routers.processes.items() if process.pid == pid)


async def test_three_routers_under_random_kills_lose_and_reorder_nothing(routers: Routers, traffic: Traffic) -> None:
    """kill -9 of a random one every 2 s: all arrive, in order per contact."""
    for number in range(3):
        routers.start(f"router-{number}")
    await routers.until("lease_taken")
    loading = asyncio.create_task(traffic.load(KILL_SECONDS))
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(2.0)
        victim = random.choice(sorted(routers.processes))
        routers.kill(victim)
        routers.start(victim)
    await loading
    await traffic.arrive()

    assert traffic.arrived == traffic.inserted


async def test_a_terminated_router_hands_over_at_the_exact_next_record(
    routers: Routers, traffic: Traffic, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """SIGTERM: drain, checkpoint and release in one; the successor's first record is the next one."""
    routers.failover_seconds = 300  # far beyond the test: nobody may have waited for it
    for number in range(2):
        routers.start(f"router-{number}")
    await routers.until("service_starting", 2)
    await routers.until("lease_taken")
    loading = asyncio.create_task(traffic.load(8))
    await asyncio.sleep(3)
    leaving = owner_of(routers, await shard_lease(aws, stage_settings))
    process = routers.processes.pop(leaving)
    process.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(process.wait, 60)
    await loading
    await traffic.arrive()

    assert code == 0
    assert traffic.arrived == traffic.inserted
    shard_events = [
        [event for event in routers.events(name) if event["lease_key"] != SCHEDULER_KEY]
        for name in ("lease_handed_over", "lease_taken")
    ]
    handed_over, taken = shard_events[0][0], shard_events[1][-1]
    assert taken["checkpoint"] == handed_over["checkpoint"]
    assert taken["owner"] != handed_over["owner"]


async def test_a_router_stopped_for_three_failover_times_cannot_checkpoint_over_its_successor(
    routers: Routers, traffic: Traffic, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """SIGSTOP, successor, SIGCONT: the checkpoint only grows, and what arrives stays in order."""
    for number in range(2):
        routers.start(f"router-{number}")
    await routers.until("service_starting", 2)
    await routers.until("lease_taken")
    loading = asyncio.create_task(traffic.load(routers.failover_seconds * 3 + 5))
    await asyncio.sleep(1.5)
    before = await shard_lease(aws, stage_settings)
    paused = routers.processes[owner_of(routers, before)]
    paused.send_signal(signal.SIGSTOP)
    await asyncio.sleep(routers.failover_seconds * 3)
    taken_over = await shard_lease(aws, stage_settings)
    paused.send_signal(signal.SIGCONT)
    checkpoints = [int(taken_over.checkpoint)]
    while not loading.done():
        lease = await shard_lease(aws, stage_settings)
        checkpoints.append(int(lease.checkpoint))
        await asyncio.sleep(0.1)
    await traffic.arrive()

    assert taken_over.owner != before.owner
    assert checkpoints == sorted(checkpoints)
    assert (await shard_lease(aws, stage_settings)).owner != before.owner
    assert paused.poll() is None
    assert traffic.arrived == traffic.inserted
