"""The health endpoint of a service: ``GET /healthz`` (200 or 503) and ``GET /metrics`` (JSON)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from fleet.health import Health


class HealthServer:
    """Answers on its own port; ``report`` and ``metrics`` are set by the service.

    ``port`` 0 means no endpoint. The server runs on the service's own event loop on purpose: a loop that is
    blocked does not answer, and the container check ends the task.
    """

    def __init__(self, service: str, host: str, port: int) -> None:
        self._service = service
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self.report: Callable[[], Health] = Health
        self.metrics: Callable[[], Mapping[str, Any]] = dict

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._port == 0:
            return
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        health = self.report()
        body = {"service": self._service, "healthy": health.healthy, **health.details}
        return web.json_response(body, status=200 if health.healthy else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self.metrics()))
