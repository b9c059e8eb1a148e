"""Fixtures for all tests: the embedded emulator, started once, and clients on it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from fleet.aws import AwsClients, aws_clients
from fleet.health import check
from fleet.local import emulator as embedded
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings


@pytest.fixture(scope="session")
def emulator_url() -> Iterator[str]:
    """The endpoint of an emulator of this test session."""
    port = embedded.free_port()
    process = subprocess.Popen(
        embedded.command(),
        env={**os.environ, **embedded.environment(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = embedded.endpoint(port)
    deadline = time.monotonic() + 30
    while check(url + embedded.READY_PATH):
        assert process.poll() is None, "the emulator ended before it was ready"
        assert time.monotonic() < deadline, "the emulator was not ready after 30 s"
        time.sleep(0.05)
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(10)


@pytest.fixture
def stage_settings(emulator_url: str) -> FleetSettings:
    """A stage of its own, tables provisioned, with queues for two helper types."""
    settings = FleetSettings(stage=f"t{uuid.uuid4().hex[:10]}", aws_endpoint_url=emulator_url)
    Provisioner(settings).provision(["tag_it", "copy_it"])
    return settings


@pytest.fixture
async def aws(stage_settings: FleetSettings) -> AsyncIterator[AwsClients]:
    """Clients on the emulator."""
    async with aws_clients(stage_settings) as clients:
        yield clients
