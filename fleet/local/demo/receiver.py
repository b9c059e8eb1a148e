"""Receives the demo's webhooks in place of the outside world; on loopback, unless the services run elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import Self

from aiohttp import web

from fleet.local.emulator import HOST


class Receiver:
    """Counts what arrives, by path; ``keys`` holds the Idempotency-Key of each request.

    ``name`` is how the services reach this host; any other than loopback makes it listen on every address.
    """

    def __init__(self, name: str = HOST) -> None:
        self._name = name
        self.received: Counter[str] = Counter()
        self.keys: list[str] = []
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://{self._name}:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST if self._name == HOST else "0.0.0.0", 0)  # noqa: S104 - the demo's own network
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.received[request.path] += 1
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        return web.Response(text="ok")
