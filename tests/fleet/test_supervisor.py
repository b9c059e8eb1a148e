"""The supervisor of child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from fleet.local.emulator import free_port
from fleet.local.supervisor import ChildFailed, ChildSpec, Supervisor

SERVER = """
import http.server, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
def stop(*a):
    print("stopping", flush=True)
    if {ignore}: return
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("started", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""


class Output:
    """Collects lines and lets a test wait for one."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def has(self, name: str, text: str) -> bool:
        return any(own == name and text in line for own, line in self.lines)


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
async def supervisor(output: Output) -> AsyncIterator[Supervisor]:
    running = Supervisor(output=output)
    yield running
    await running.stop()


def child(name: str, *, ignore: bool = False, stop_seconds: float = 10, restart: bool = True) -> ChildSpec:
    port = free_port()
    return ChildSpec(
        name,
        [sys.executable, "-c", SERVER.format(port=port, ignore=ignore)],
        ready_url=f"http://127.0.0.1:{port}/",
        stop_seconds=stop_seconds,
        restart=restart,
    )


async def test_a_child_is_ready_when_start_returns_and_its_lines_are_prefixed(
    supervisor: Supervisor, output: Output
) -> None:
    """The pid is that of the process."""
    await supervisor.start(child("one"))

    os.kill(supervisor.pid("one"), 0)
    assert output.has("one", "started")


async def test_a_child_that_dies_is_started_again(supervisor: Supervisor, output: Output) -> None:
    """After a pause; the count tells how often."""
    await supervisor.start(child("one"))
    first = supervisor.pid("one")

    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(20):
        await supervisor.wait_restarted("one", 1)

    assert supervisor.pid("one") != first
    assert output.has("one", "restarting in")


async def test_children_are_stopped_in_reverse_order(output: Output) -> None:
    """What feeds the others goes last."""
    supervisor = Supervisor(output=output)
    for name in ("first", "second", "third"):
        await supervisor.start(child(name))

    await supervisor.stop()

    assert [name for name, line in output.lines if line == "stopping"] == ["third", "second", "first"]


async def test_a_child_that_does_not_stop_is_killed(output: Output) -> None:
    """After its time is up."""
    supervisor = Supervisor(output=output)
    await supervisor.start(child("deaf", ignore=True, stop_seconds=0.3))
    pid = supervisor.pid("deaf")

    await supervisor.stop()

    assert output.has("deaf", "killed")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_that_ends_before_it_is_ready_fails_the_start(supervisor: Supervisor) -> None:
    """With its exit code."""
    spec = ChildSpec("broken", [sys.executable, "-c", "import sys; sys.exit(3)"], ready_url="http://127.0.0.1:9/")

    with pytest.raises(ChildFailed, match="exit code 3"):
        await supervisor.start(spec)


async def test_a_child_that_never_gets_ready_fails_the_start(supervisor: Supervisor) -> None:
    """After the time given."""
    spec = ChildSpec(
        "slow",
        [sys.executable, "-c", "import signal; signal.pause()"],
        ready_url="http://127.0.0.1:9/",
        ready_seconds=0.5,
        stop_seconds=1,
    )

    with pytest.raises(ChildFailed, match="not ready"):
        await supervisor.start(spec)


async def test_a_child_that_may_not_restart_stays_down(supervisor: Supervisor) -> None:
    """An emulator restarted without its state would only hide the loss."""
    await supervisor.start(child("once", restart=False))
    watch = next(task for task in supervisor._tasks if task.get_name() == "watch once")

    os.kill(supervisor.pid("once"), signal.SIGKILL)
    await asyncio.wait_for(watch, 10)

    assert supervisor.restarts == {}
