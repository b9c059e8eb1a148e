"""Fixtures for all tests: an AWS emulator, started once, and clients on it."""

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
from tests import localstack


def owner(config: pytest.Config) -> int:
    """Process id that the test run began with: the parent, in a process that pytest-xdist started."""
    return os.getppid() if hasattr(config, "workerinput") else os.getpid()


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[str]:
    """The endpoint of an embedded emulator of this process."""
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


@pytest.fixture(scope="session")
def localstack_url(request: pytest.FixtureRequest) -> str:
    """The endpoint of the LocalStack of this test run."""
    return localstack.url(owner(request.config))


@pytest.fixture
def emulator_url(request: pytest.FixtureRequest) -> str:
    """LocalStack where a Docker engine answers, the embedded emulator where not and for tests marked ``embedded``."""
    embedded_only = request.node.get_closest_marker("embedded") is not None
    name = "embedded_url" if embedded_only or localstack.why_not() else "localstack_url"
    url: str = request.getfixturevalue(name)
    return url


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that the run began with outlives the others."""
    if not hasattr(session.config, "workerinput"):
        localstack.remove(owner(session.config))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """On which emulator the tests ran: a fallback is no secret."""
    outcomes = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("stack" in report.keywords and "embedded" not in report.keywords for report in outcomes):
        reason = localstack.why_not()
        used = f"the embedded one ({reason})" if reason else f"LocalStack ({localstack.image()})"
        terminalreporter.write_line(f"AWS emulator: {used}")


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
