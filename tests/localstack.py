"""LocalStack in a container for the tests of one run: the service of docker/compose.yaml, image and settings included.

All processes of a run (pytest-xdist) share one container: it takes half a gigabyte. The first that needs it starts it,
the process that the run began with removes it. Testcontainers' own reaper is not used: compose projects have none.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import yaml
from testcontainers.compose import DockerCompose

from tests import engine

ROOT = Path(__file__).parents[1]
SERVICE = "localstack"
PORT = 4566


@cache
def default_image() -> str:
    """The image that compose starts unless LOCALSTACK_IMAGE says otherwise."""
    document = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    named = re.fullmatch(r"\$\{LOCALSTACK_IMAGE:-(.+)\}", document["services"][SERVICE]["image"])
    assert named is not None, "docker/compose.yaml: the image of localstack is ${LOCALSTACK_IMAGE:-<default>}"
    return named[1]


def image() -> str:
    """The image that is started."""
    return os.environ.get("LOCALSTACK_IMAGE") or default_image()


@cache
def why_not() -> str:
    """Why the tests of this run do not use LocalStack; empty when they do. Raises UsageError, which names the remedy.

    TEST_EMULATOR: unset = LocalStack where a Docker engine has its image; localstack = nothing else will do;
    embedded = the embedded emulator; http://... = what answers there already.
    """
    choice = os.environ.get("TEST_EMULATOR", "")
    if choice == "embedded":
        return "TEST_EMULATOR=embedded"
    if choice.startswith("http://"):
        return ""
    if choice not in ("", "localstack"):
        raise pytest.UsageError(f"TEST_EMULATOR={choice}: write embedded, localstack or http://host:port")
    reason = engine.why_not(image())
    if choice and reason:
        raise pytest.UsageError(f"TEST_EMULATOR=localstack: {reason}")
    return reason


def url(owner: int) -> str:
    """The endpoint of the run's LocalStack; ``owner`` is the process id that the run began with."""
    choice = os.environ.get("TEST_EMULATOR", "")
    if choice.startswith("http://"):
        return choice
    with _alone(owner), pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPOSE_PROJECT_NAME", engine.project(SERVICE, owner))
        environment.setenv("LOCALSTACK_PORT", "0")  # any free port of loopback
        engine.sweep()
        # A second start finds it healthy and changes nothing.
        compose = DockerCompose(ROOT, services=[SERVICE])
        compose.start()
        host, port = compose.get_service_host_and_port(SERVICE, PORT)
    return f"http://{host}:{port}"


def remove(owner: int) -> None:
    """Remove the run's LocalStack, if any process of the run has started it."""
    if (lock := _lock(owner)).exists():
        engine.remove(engine.project(SERVICE, owner))
        lock.unlink()


@contextmanager
def _alone(owner: int) -> Iterator[None]:
    """Of the processes of a run, one at a time."""
    with _lock(owner).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(owner: int) -> Path:
    return Path(tempfile.gettempdir()) / f"{engine.project(SERVICE, owner)}.lock"
