"""The compose project under test, with images built from this checkout."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.local.emulator import free_port

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 5
# Not pulled by a test: that takes minutes, and a machine may have an engine but no registry.
IMAGES = (
    "python:3.13-slim-bookworm",
    os.environ.get("LOCALSTACK_IMAGE", "localstack/localstack:4.14.0"),
)


class Compose:
    """`docker compose` with a project name, ports and settings of its own."""

    def __init__(self) -> None:
        self.project = f"mfh-test-{uuid.uuid4().hex[:8]}"
        self.localstack_url = f"http://127.0.0.1:{(port := free_port())}"
        self._environment = {
            **os.environ,
            "LOCALSTACK_PORT": str(port),
            "API_PORT": str(free_port()),
            "WORKER_VISIBILITY_SECONDS": str(LEASE_SECONDS),
            "LOG_LEVEL": "warning",
        }

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a compose command; its output is in the failure."""
        done = subprocess.run(
            self._command(*arguments), env=self._environment, capture_output=True, text=True, timeout=280
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def start_demo(self, executions: int) -> subprocess.Popen[str]:
        """The demo as a container of the project, in the background."""
        return subprocess.Popen(
            self._command(
                "--profile", "demo", "run", "--rm", "--no-deps", "--use-aliases", "-T", "demo",
                "demo", "--api-url", "http://api:8080", "--executions", str(executions), "--timeout", "120",
            ),
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def containers(self, service: str) -> list[str]:
        """Ids of the service's containers, by number."""
        return self("ps", "--all", "--quiet", service).stdout.split()

    def _command(self, *arguments: str) -> list[str]:
        return ["docker", "compose", "--project-directory", str(ROOT), "-p", self.project, *arguments]


def docker(*arguments: str) -> str:
    """Run a docker command and return what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inspect(container: str) -> Any:
    """What the engine knows of a container."""
    return json.loads(docker("inspect", container))[0]


@pytest.fixture(scope="module")
def compose() -> Iterator[Compose]:
    """The whole system with three workers, healthy."""
    try:
        answers = subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0
    except FileNotFoundError:
        answers = False
    if not answers:
        pytest.skip("no Docker engine answers")
    for image in IMAGES:
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True, timeout=20).returncode != 0:
            pytest.skip(f"docker pull {image} first")
    project = Compose()
    try:
        project("up", "-d", "--build", "--wait", "--scale", "worker=3")
        yield project
    finally:
        project("down", "-v", "--timeout", "5", check=False)
