"""The images run the fleet: built, started by compose, drained, killed and paused on a real Docker engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ["router", "api", "worker"]
NEEDED_IMAGES = ["python:3.13-slim-bookworm", os.environ.get("LOCALSTACK_IMAGE", "localstack/localstack:4.14.0")]
SIZE_LIMIT_BYTES = 250_000_000

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("containers"), pytest.mark.timeout(900)]


def docker(*arguments: str, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a docker command; its output is in the failure."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment()},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def environment() -> dict[str, str]:
    """Free ports, and image names apart from those of a laptop's own stack."""
    images = {f"{name.upper()}_IMAGE": f"mfh-{name}:test" for name in (*SERVICES, "tools")}
    return {**images, "API_PORT": "0", "LOCALSTACK_PORT": "0"}


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    try:
        if docker("info", check=False, timeout=10).returncode != 0:
            return "no Docker engine answers"
        if docker("compose", "version", check=False, timeout=10).returncode != 0:
            return "docker compose is not installed"
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    absent = [image for image in NEEDED_IMAGES if docker("image", "inspect", image, check=False).returncode != 0]
    return f"pull first: {', '.join(absent)}" if absent else ""


class Stack:
    """One compose project."""

    def __init__(self, project: str) -> None:
        self.project = project

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run docker compose on this project."""
        return docker("compose", "-p", self.project, *arguments, check=check)

    def container(self, service: str) -> str:
        """Id of the container of a service."""
        return self.compose("ps", "--all", "--quiet", service).stdout.split()[0]

    def state(self, service: str) -> dict[str, Any]:
        """State of that container as the engine sees it."""
        state: dict[str, Any] = json.loads(
            docker("inspect", "--format", "{{json .State}}", self.container(service)).stdout
        )
        return state

    def demo(self) -> subprocess.Popen[str]:
        """Start a demo of 60 executions; it ends with 0 only when every one ended as it should, each once."""
        command = ["compose", "-p", self.project, "--profile", "demo", "run", "--rm", "--use-aliases", "demo"]
        return subprocess.Popen(
            ["docker", *command, "demo", "--api-url", "http://api:8080", "--executions", "60", "--timeout", "150"],
            cwd=ROOT,
            env={**os.environ, **environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The system of compose.yaml, built and up; removed afterwards with its volume."""
    if reason := missing():
        pytest.skip(reason)
    stack = Stack(f"mfh-test-{uuid.uuid4().hex[:8]}")
    try:
        stack.compose("up", "--detach", "--build", "--wait")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "5", check=False)


def test_images_are_small_and_run_without_root(stack: Stack) -> None:
    """No build tools, no pip, no root, a read-only root file system."""
    for service in SERVICES:
        image = json.loads(docker("image", "inspect", f"mfh-{service}:test").stdout)[0]
        assert image["Size"] < SIZE_LIMIT_BYTES, service
        assert image["Config"]["User"] == "10001:10001"
        assert image["Config"]["StopSignal"] == "SIGTERM"
        assert image["Config"]["Entrypoint"] == ["python", "-m", service]
        container = json.loads(docker("inspect", stack.container(service)).stdout)[0]
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        refused = docker("exec", stack.container(service), "python", "-m", "pip", "--version", check=False)
        assert "/opt/mfh/" not in refused.stdout


def test_executions_complete(stack: Stack) -> None:
    """Router, worker and api of the images do what the embedded stack does."""
    demo = stack.demo()
    output, _ = demo.communicate(timeout=240)

    assert demo.returncode == 0, output[-3000:]


def test_nothing_is_lost_when_a_worker_is_killed(stack: Stack) -> None:
    """kill -9 in the middle of work: another start of the worker finishes what the first one held."""
    demo = stack.demo()
    try:
        demo_is_under_way(stack)
        stack.compose("kill", "--signal", "KILL", "worker")
        assert stack.state("worker")["ExitCode"] == 137
        stack.compose("up", "--detach", "--wait", "--no-build", "worker")
        output, _ = demo.communicate(timeout=280)
    finally:
        demo.kill()

    assert demo.returncode == 0, output[-3000:]


def demo_is_under_way(stack: Stack) -> None:
    """Wait until the worker logged that it ended an execution of this demo."""
    before = ended_executions(stack)
    deadline = time.monotonic() + 90
    while ended_executions(stack) <= before:
        assert time.monotonic() < deadline, "the worker ended no execution within 90 s"
        time.sleep(0.2)


def ended_executions(stack: Stack) -> int:
    """How many executions the worker's log tells of."""
    return stack.compose("logs", "--no-log-prefix", "worker").stdout.count('"execution_id"')


@pytest.mark.parametrize("service", ["worker", "router", "api"])
def test_sigterm_drains_and_exits_0(stack: Stack, service: str) -> None:
    """What ECS and `docker stop` send; python is PID 1 and gets it."""
    stack.compose("stop", service)

    state = stack.state(service)
    assert state["ExitCode"] == 0
    assert state["OOMKilled"] is False
