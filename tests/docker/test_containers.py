"""The images run the fleet: built, started by compose, killed, frozen, cut off and drained on a real Docker engine."""

from __future__ import annotations

import time
from collections.abc import Callable

import boto3
import pytest

from tests.docker.conftest import LEASE_SECONDS, Compose, docker, inspect

SERVICES = ("router", "api", "worker")
SIZE_LIMIT_BYTES = 250_000_000
EXECUTIONS = 300

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("containers"), pytest.mark.timeout(600)]


def until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait for something that the engine or the stack reports."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def completed(compose: Compose) -> int:
    """How many executions of the stack are completed."""
    table = boto3.client(
        "dynamodb",
        region_name="us-west-2",
        endpoint_url=compose.localstack_url,
        aws_access_key_id="000000000000",
        aws_secret_access_key="emulator",
    )
    pages = table.get_paginator("scan").paginate(
        TableName="mfh-dev-executions",
        Select="COUNT",
        FilterExpression="#status = :completed",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":completed": {"S": "completed"}},
    )
    return sum(page["Count"] for page in pages)


def demo_with_fault(compose: Compose, fault: Callable[[], object]) -> None:
    """Run the demo and let the fault happen in the middle of it; every execution must end as if nothing had."""
    before = completed(compose)
    demo = compose.start_demo(EXECUTIONS)
    try:
        until(lambda: completed(compose) > before + 5, "the demo is under way")
        fault()
        output, _ = demo.communicate(timeout=200)
    finally:
        demo.kill()
    assert demo.returncode == 0, output[-3000:]


def healthy(container: str) -> bool:
    """Whether the engine's health check of the container passes."""
    return bool(inspect(container)["State"]["Health"]["Status"] == "healthy")


def test_images_are_small_and_run_without_root(compose: Compose) -> None:
    """Under 250 MB, no pip in the environment, no root, a read-only root file system, python as PID 1."""
    for service in SERVICES:
        container = inspect(compose.containers(service)[0])
        image = inspect(container["Image"])
        assert image["Size"] < SIZE_LIMIT_BYTES, service
        assert image["Config"]["User"] == "10001:10001"
        assert image["Config"]["StopSignal"] == "SIGTERM"
        assert image["Config"]["Entrypoint"] == ["python", "-m", service]
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        found = docker("exec", container["Id"], "sh", "-c", "command -v gcc git curl; ls /opt/mfh/bin/pip || true")
        assert found == "", service


def test_nothing_is_lost_when_a_worker_is_killed(compose: Compose) -> None:
    """kill -9 in the middle of work: the others take over what it held once its lease has passed."""
    victim = compose.containers("worker")[0]

    demo_with_fault(compose, lambda: docker("kill", "--signal", "KILL", victim))

    assert inspect(victim)["State"]["ExitCode"] == 137
    docker("start", victim)
    until(lambda: healthy(victim), "the killed worker is back")


def test_nothing_is_lost_when_a_worker_is_frozen_past_its_lease(compose: Compose) -> None:
    """A frozen worker wakes up to leases that others hold; what it then writes must change nothing."""
    victim = compose.containers("worker")[0]

    def freeze() -> None:
        docker("pause", victim)
        time.sleep(3 * LEASE_SECONDS)
        docker("unpause", victim)

    demo_with_fault(compose, freeze)

    until(lambda: healthy(victim), "the frozen worker is healthy again")


def test_nothing_is_lost_when_a_worker_is_cut_off(compose: Compose) -> None:
    """Without a network a worker loses its leases; with one again it goes on without a restart."""
    victim = compose.containers("worker")[0]
    network = f"{compose.project}_default"
    started = inspect(victim)["State"]["StartedAt"]

    def cut_off() -> None:
        docker("network", "disconnect", network, victim)
        time.sleep(3 * LEASE_SECONDS)
        docker("network", "connect", network, victim)

    demo_with_fault(compose, cut_off)

    until(lambda: healthy(victim), "the cut-off worker is healthy again")
    assert inspect(victim)["State"]["StartedAt"] == started


@pytest.mark.parametrize("service", SERVICES)
def test_sigterm_drains_and_exits_0(compose: Compose, service: str) -> None:
    """What ECS and `docker stop` send; python is PID 1 and gets it."""
    compose("stop", service)

    for container in compose.containers(service):
        state = inspect(container)["State"]
        assert state["ExitCode"] == 0
        assert state["OOMKilled"] is False
