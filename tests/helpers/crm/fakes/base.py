"""What the stateful fakes of the vendors share: an ASGI app behind httpx, trouble on request, a request log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from helpers.crm.connector import CrmConnector
from helpers.crm.factory import ConnectorConfig, build

TOKEN = "token-1"


class SteppingClock:
    """Sleeping moves it, and so does every look at it, by a tenth of a second: rate limits never wait for long."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 15, 10, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=100)
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


Trouble = httpx.Response | Exception


class FakeVendor:
    """Base of a vendor's fake. ``trouble`` answers are used up before the fake itself answers."""

    slug: str
    base_url: str

    def __init__(self) -> None:
        self.trouble: list[Trouble] = []
        self.requests: list[httpx.Request] = []
        self.check: Callable[[httpx.Request], None] = lambda _: None
        self.rewrite: Callable[[bytes], bytes] | None = None
        self.tokens = {TOKEN}
        self.clock = SteppingClock()
        self.counter = 100

    def routes(self) -> list[Route]:
        """The endpoints."""
        raise NotImplementedError

    def authorized(self, request: Request) -> bool:
        """Whether the request may pass."""
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens

    def config(self) -> ConnectorConfig:
        """The credentials of the fake's account."""
        return ConnectorConfig(access_token=TOKEN, account_id="loc1")

    def connector(self, *, config: ConnectorConfig | None = None, **options: Any) -> CrmConnector:
        """A connector that talks to this fake."""
        client = httpx.AsyncClient(transport=_Transport(self))
        return build(self.slug, config or self.config(), client, clock=self.clock, **options)

    def new_id(self) -> str:
        """A fresh numeric id."""
        self.counter += 1
        return str(self.counter)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, fake: FakeVendor) -> None:
        self._fake = fake
        prefix = httpx.URL(fake.base_url).path.rstrip("/")
        self._app = httpx.ASGITransport(app=_app(fake), root_path="")
        self._prefix = prefix

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self._fake.requests.append(request)
        self._fake.check(request)
        if self._fake.trouble:
            trouble = self._fake.trouble.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        answer = await self._app.handle_async_request(request)
        if self._fake.rewrite is None:
            return answer
        body = self._fake.rewrite(await answer.aread())
        return httpx.Response(answer.status_code, content=body, headers={"Content-Type": "application/json"})


def _app(fake: FakeVendor) -> Starlette:
    async def guard(request: Request, call: Any) -> Response:
        if not fake.authorized(request):
            return JSONResponse({"message": "invalid token"}, 401)
        return await call(request)

    def guarded(endpoint: Any) -> Any:
        async def run(request: Request) -> Response:
            return await guard(request, endpoint)

        return run

    return Starlette(
        routes=[Route(r.path, guarded(r.endpoint), methods=sorted(r.methods or {"GET"})) for r in fake.routes()]
    )


def route(method: str, path: str, endpoint: Any) -> Route:
    """An endpoint of a fake: ``endpoint(request) -> JSON | (status, JSON)``, sync, with ``request.state.body`` read."""

    async def handle(request: Request) -> Response:
        raw = await request.body()
        try:
            request.state.body = json.loads(raw) if raw else {}
        except ValueError:
            request.state.body = dict(httpx.QueryParams(raw.decode()))
        answer = endpoint(request)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return Response(status_code=status) if body is None else JSONResponse(body, status)

    return Route(path, handle, methods=[method])


@dataclass
class Account:
    """A CRM account in the state that the conformance suite expects, and what the suite may ask of it.

    Ada: first name, last name Byron, ada@example.com, phone +15550100, tag ``vip``, favorite color blue. Bob:
    bob@example.com.
    """

    crm: CrmConnector
    ada: str
    bob: str
    fake: FakeVendor | None = None
    vip: str = "1"
    color: str = "color"
    automation: str = "5"
