"""The life of a service process: settings, logs, signals, side tasks, health, exit code.

def main() -> None:
    run_service("worker", WorkerSettings, serve)

async def serve(settings: WorkerSettings, process: Process) -> None:
    process.health.report = ...
    process.side_task("heartbeat", heartbeat.run())
    ...                                  # work until process.stopping is set, then drain and return
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from fleet.health_server import HealthServer
from fleet.logging import configure_logging
from fleet.settings import FleetSettings, SettingsRefused
from helpers.errors import MyFusionError

log = structlog.get_logger(__name__)

SettingsT = TypeVar("SettingsT", bound=FleetSettings)

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_SETTINGS = 2


class SideTaskDied(MyFusionError):
    """A side task ended although the process is not stopping; the process must not go on without it."""


class Process:
    """What a running service holds: its stop signal, its side tasks and its health endpoint.

    ``stopping`` is set by SIGTERM, SIGINT, :meth:`stop` or the death of a side task. A second signal changes
    nothing: draining is bounded by itself.
    """

    def __init__(self, health: HealthServer) -> None:
        self.health = health
        self.stopping = asyncio.Event()
        self.failure: BaseException | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()

    def stop(self, reason: str) -> None:
        """Ask the service to drain and end; safe to call again."""
        if not self.stopping.is_set():
            log.info("service_stopping", reason=reason)
            self.stopping.set()

    def fail(self, failure: BaseException) -> None:
        """Drain and end with an error: something is wrong that a restart mends."""
        self.failure = self.failure or failure
        self.stop(str(failure))

    def side_task(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something the service cannot do without. Its end before :meth:`close` stops the process, loudly."""
        task = asyncio.create_task(work, name=name)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_task_done)
        return task

    def _side_task_done(self, task: asyncio.Task[None]) -> None:
        if task not in self._side_tasks:
            return
        self._side_tasks.discard(task)
        cause = None if task.cancelled() else task.exception()
        failure = SideTaskDied(f"side task {task.get_name()!r} ended: {cause!r}")
        failure.__cause__ = cause
        log.error("side_task_died", task=task.get_name(), exc_info=cause)
        self.fail(failure)

    def expect_end(self, task: asyncio.Task[None]) -> None:
        """From now on the end of this side task is part of the drain; its owner awaits it."""
        self._side_tasks.discard(task)

    async def close(self) -> None:
        """Cancel every side task and wait until all are gone."""
        tasks, self._side_tasks = self._side_tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(
    name: str, settings: SettingsT, serve: Callable[[SettingsT, Process], Awaitable[None]]
) -> BaseException | None:
    health = HealthServer(name, settings.health_host, settings.health_port)
    process = Process(health)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop, signal.Signals(number).name)
    await health.start()
    try:
        await serve(settings, process)
    finally:
        await process.close()
        await health.stop()
    return process.failure


def run_service(
    name: str, settings_class: type[SettingsT], serve: Callable[[SettingsT, Process], Awaitable[None]]
) -> None:
    """Run a service to its end and exit: 0 after a drain, 1 after a failure, 2 for refused settings."""
    try:
        settings = settings_class.from_environment()
    except SettingsRefused as exc:
        print(f"{name}: {exc}", file=sys.stderr)  # noqa: T201 - logging is configured from the settings
        sys.exit(EXIT_BAD_SETTINGS)
    configure_logging(settings, name)
    log.info("service_starting", settings=settings.redacted())
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            failure = runner.run(_serve(name, settings, serve))
    except SettingsRefused as exc:
        log.error("settings_refused", problems=[str(problem) for problem in exc.problems])  # noqa: TRY400 - no bug of ours
        sys.exit(EXIT_BAD_SETTINGS)
    except Exception:
        log.exception("service_failed")
        sys.exit(EXIT_FAILED)
    log.info("service_stopped", failed=failure is not None)
    sys.exit(EXIT_OK if failure is None else EXIT_FAILED)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
