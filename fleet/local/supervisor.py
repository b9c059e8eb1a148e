"""Supervises child processes: starts them, prefixes their output, restarts what dies, stops them in order.

A child never outlives its supervisor: on Linux the kernel ends it when the supervisor dies, however that happens.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fleet.health import check
from helpers.errors import MyFusionError

RESTART_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
READY_POLL_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1


class ChildFailed(MyFusionError):
    """A child process did not become ready."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One supervised process. ``ready_url`` answers 200 once it may be used; ``stop_seconds`` bounds its drain."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str = ""
    ready_seconds: float = 30.0
    stop_seconds: float = 30.0
    restart: bool = True


Output = Callable[[str, str], object]


def print_prefixed(name: str, line: str) -> None:
    """The default output: ``worker | line``."""
    sys.stderr.write(f"{name:<9}| {line}\n")


class Supervisor:
    """Children are stopped in the reverse order of their start: what feeds the others goes last."""

    def __init__(self, *, output: Output = print_prefixed) -> None:
        self._output = output
        self._specs: list[ChildSpec] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._changed = asyncio.Condition()
        self.restarts: dict[str, int] = {}

    def pid(self, name: str) -> int:
        """The process id of a running child."""
        return self._processes[name].pid

    async def start(self, spec: ChildSpec) -> None:
        """Start the child and wait until it is ready. Raises ChildFailed."""
        self._specs.append(spec)
        await self._spawn(spec)
        await self._ready(spec)
        self._tasks.append(asyncio.create_task(self._watch(spec), name=f"watch {spec.name}"))

    async def wait_restarted(self, name: str, count: int) -> None:
        """Wait until the child was restarted ``count`` times in all and is ready again."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.restarts.get(name, 0) >= count)

    async def stop(self) -> None:
        """SIGTERM in reverse order, SIGKILL to what does not end in time; returns when every child is gone."""
        self._stopping = True
        for spec in reversed(self._specs):
            process = self._processes.get(spec.name)
            if process is None or process.returncode is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), spec.stop_seconds)
            except TimeoutError:
                self._output(spec.name, f"did not stop within {spec.stop_seconds:g} s: killed")
                process.kill()
                await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _spawn(self, spec: ChildSpec) -> None:
        process = await asyncio.create_subprocess_exec(
            *spec.command,
            env={**os.environ, **spec.environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1024 * 1024,
            # An own session: Ctrl-C reaches the supervisor only, which then stops the children in order.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self._processes[spec.name] = process
        self._tasks.append(asyncio.create_task(self._relay(spec.name, process), name=f"output of {spec.name}"))

    async def _ready(self, spec: ChildSpec) -> None:
        process = self._processes[spec.name]
        if not spec.ready_url:
            return
        try:
            async with asyncio.timeout(spec.ready_seconds):
                while await asyncio.to_thread(check, spec.ready_url):
                    if process.returncode is not None:
                        raise ChildFailed(f"{spec.name} ended with exit code {process.returncode} before it was ready")
                    await asyncio.sleep(READY_POLL_SECONDS)
        except TimeoutError:
            raise ChildFailed(f"{spec.name} was not ready after {spec.ready_seconds:g} s") from None

    async def _relay(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - the pipe was asked for in _spawn
        while line := await process.stdout.readline():
            self._output(name, line.decode(errors="replace").rstrip())

    async def _watch(self, spec: ChildSpec) -> None:
        failures = 0
        while True:
            code = await self._processes[spec.name].wait()
            if self._stopping or not spec.restart:
                return
            delay = RESTART_DELAYS_SECONDS[min(failures, len(RESTART_DELAYS_SECONDS) - 1)]
            self._output(spec.name, f"ended with exit code {code}; restarting in {delay:g} s")
            await asyncio.sleep(delay)
            if self._stopping:
                return
            await self._spawn(spec)
            try:
                await self._ready(spec)
            except ChildFailed as exc:
                self._output(spec.name, str(exc))
                failures += 1
                continue
            failures = 0
            async with self._changed:
                self.restarts[spec.name] = self.restarts.get(spec.name, 0) + 1
                self._changed.notify_all()


def _end_with_parent() -> None:
    # prctl has no wrapper in the standard library; SIGKILL because a dead supervisor cannot wait for a drain.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
