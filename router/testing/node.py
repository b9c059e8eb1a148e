"""One router process of a simulation: it can be killed and stopped in mid-call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fleet.metrics import Metrics
from fleet.testing.virtual_time import LoopClock
from router.router import Router, RouterPorts
from router.settings import RouterSettings


class Node:
    """A router whose every call to the outside passes a gate.

    ``pause`` is SIGSTOP: calls in flight take effect, their answers and everything after wait for ``resume``.
    ``kill`` is SIGKILL: nothing that runs on the way out reaches the outside.
    """

    def __init__(self, name: str, ports: RouterPorts, settings: RouterSettings) -> None:
        self.name = name
        self._running = asyncio.Event()
        self._running.set()
        self._dead = False
        self._stopping = asyncio.Event()
        gated = replace(
            ports,
            streams=_Gated(ports.streams, self),
            leases=_Gated(ports.leases, self),
            sqs=_Gated(ports.sqs, self),
            directory=_Gated(ports.directory, self),
            dead_letters=_Gated(ports.dead_letters, self),
            due=_Gated(ports.due, self),
            executions=_Gated(ports.executions, self),
        )
        self.metrics = Metrics(enabled=False)
        self.router = Router(name, gated, settings, self.metrics, LoopClock())  # type: ignore[arg-type]
        self.task = asyncio.get_running_loop().create_task(self.router.run(self._stopping), name=name)

    @property
    def paused(self) -> bool:
        """Whether it is stopped in place."""
        return not self._running.is_set()

    def pause(self) -> None:
        """SIGSTOP."""
        self._running.clear()

    def resume(self) -> None:
        """SIGCONT."""
        self._running.set()

    async def stop(self) -> None:
        """SIGTERM, and wait for the end. Raises what the router raised."""
        self.resume()
        self._stopping.set()
        await self.task

    async def kill(self) -> None:
        """SIGKILL."""
        self._dead = True
        self._running.set()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def gate(self) -> None:
        """Where a call waits while the process is stopped, and ends when it is dead."""
        if self._dead:
            raise asyncio.CancelledError
        await self._running.wait()
        if self._dead:
            raise asyncio.CancelledError

    def _through(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def gated(*args: Any, **kwargs: Any) -> Any:
            await self.gate()
            try:
                return await call(*args, **kwargs)
            finally:
                await self.gate()

        return gated


class _Gated:
    """A port behind the gate of its node."""

    def __init__(self, port: Any, node: Node) -> None:
        self._port = port
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return self._node._through(getattr(self._port, name))  # noqa: SLF001 - one unit with Node
