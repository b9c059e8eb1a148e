"""The life of a process: signals, side tasks, health, exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator

import httpx
import pytest

from fleet.health import Health, check
from fleet.health_server import HealthServer
from fleet.local.emulator import free_port
from fleet.service import Process, SideTaskDied


@pytest.fixture
async def health() -> AsyncIterator[HealthServer]:
    server = HealthServer("test", "127.0.0.1", free_port())
    await server.start()
    yield server
    await server.stop()


async def fetch(health: HealthServer, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{health._port}{path}")


async def test_the_health_endpoint_tells_what_the_service_reports(health: HealthServer) -> None:
    """200 or 503, with details; metrics as JSON."""
    assert (await fetch(health, "/healthz")).json() == {"service": "test", "healthy": True}

    health.report = lambda: Health(False, {"shard": "stalled"})
    health.metrics = lambda: {"InFlight": 3}

    answer = await fetch(health, "/healthz")
    assert (answer.status_code, answer.json()["shard"]) == (503, "stalled")
    assert (await fetch(health, "/metrics")).json() == {"InFlight": 3}


async def test_the_container_check_follows_the_endpoint(health: HealthServer) -> None:
    """0 when healthy, 1 when not, 1 when nothing answers."""
    url = f"http://127.0.0.1:{health._port}/healthz"
    assert await asyncio.to_thread(check, url) == 0
    health.report = lambda: Health(False)
    assert await asyncio.to_thread(check, url) == 1
    assert await asyncio.to_thread(check, "http://127.0.0.1:9/healthz") == 1


def test_the_container_check_is_cheap() -> None:
    """Every container starts it all the time: no package beyond the standard library is imported."""
    program = "import sys; import fleet.health; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not {"aiohttp", "asyncio", "pydantic", "structlog"} & set(loaded)


async def test_port_zero_means_no_endpoint() -> None:
    """Nothing is opened."""
    server = HealthServer("test", "127.0.0.1", 0)
    await server.start()
    await server.stop()


@pytest.fixture
def process() -> Process:
    return Process(HealthServer("test", "127.0.0.1", 0))


async def test_a_dead_side_task_stops_the_process_with_a_failure(process: Process) -> None:
    """The cause goes along."""

    async def breaks() -> None:
        raise RuntimeError("heartbeat broke")

    process.side_task("heartbeat", breaks())
    await asyncio.wait_for(process.stopping.wait(), 5)

    assert isinstance(process.failure, SideTaskDied)
    assert "heartbeat" in str(process.failure)
    assert isinstance(process.failure.__cause__, RuntimeError)


async def test_a_side_task_that_returns_is_dead_too(process: Process) -> None:
    """A heartbeat that ends quietly is as bad as one that raises."""

    async def ends() -> None:
        return

    process.side_task("metrics", ends())
    await asyncio.wait_for(process.stopping.wait(), 5)

    assert process.failure is not None


async def test_an_expected_end_is_no_failure(process: Process) -> None:
    """Draining ends side tasks on purpose."""
    may_end = asyncio.Event()

    async def waits() -> None:
        await may_end.wait()

    task = process.side_task("polling", waits())
    process.expect_end(task)
    may_end.set()
    await task

    assert process.failure is None
    assert not process.stopping.is_set()


async def test_closing_cancels_what_is_left(process: Process) -> None:
    """And that is no failure."""

    async def for_ever() -> None:
        await asyncio.Event().wait()

    tasks = [process.side_task(f"task {number}", for_ever()) for number in range(3)]
    await process.close()

    assert all(task.cancelled() for task in tasks)
    assert process.failure is None


async def test_the_first_reason_to_stop_stays(process: Process) -> None:
    """A second signal or failure changes nothing."""
    first = RuntimeError("first")
    process.fail(first)
    process.fail(RuntimeError("second"))
    process.stop("again")

    assert process.failure is first


SERVICE = textwrap.dedent(
    """
    import asyncio, sys
    from fleet.service import run_service
    from fleet.settings import FleetSettings, SettingsRefused
    from helpers.errors import FieldProblem

    async def serve(settings, process):
        print("up", flush=True)
        if sys.argv[1] == "crash":
            raise RuntimeError("broken")
        if sys.argv[1] == "refuse":
            raise SettingsRefused([FieldProblem("/mfh/secrets", "store a JSON object in this SSM parameter")])
        if sys.argv[1] == "side":
            async def dies():
                raise RuntimeError("side task")
            process.side_task("side", dies())
        await process.stopping.wait()
        print("draining", flush=True)
        if sys.argv[1] == "twice":
            await asyncio.to_thread(sys.stdin.readline)
        print("drained", flush=True)

    run_service("test", FleetSettings, serve)
    """
)


def start(mode: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_with_zero(number: signal.Signals) -> None:
    """Both signals."""
    process = start("wait")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    out, _err = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, "draining\ndrained\n")


def test_a_second_signal_is_harmless() -> None:
    """The drain goes on to its end."""
    process = start("twice")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "draining\n"
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    out, _err = process.communicate("the drain may end\n", timeout=20)

    assert (process.returncode, out) == (0, "drained\n")


@pytest.mark.parametrize("mode", ["crash", "side"])
def test_a_failure_exits_with_one(mode: str) -> None:
    """The log names it."""
    process = start(mode)
    _out, err = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "service_failed" in err or "side_task_died" in err


def test_refused_settings_exit_with_two() -> None:
    """Before anything is started, naming the variable."""
    process = start("wait", LOG_LEVEL="loud")
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (2, "")
    assert "LOG_LEVEL" in err


def test_settings_that_are_refused_later_exit_with_two_as_well() -> None:
    """A document of SSM that is no JSON: the log names it, and no traceback hides it."""
    process = start("refuse")
    _out, err = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "/mfh/secrets" in err
    assert "Traceback" not in err
