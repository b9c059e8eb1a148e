"""Clients whose statuses differ from the common mapping: Twilio, Klean13, Keap orders."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from helpers.contract import HelperContext
from helpers.errors import HelperError, ServiceAuthRequired
from helpers.ports import HelperSettings
from helpers.services.keap_orders import KeapOrders
from helpers.services.klean13 import Klean13
from helpers.services.twilio import Twilio
from helpers.testing.ports import FakeClock, FakeServiceAuths

MESSAGE = {"To": "+1", "Body": "hi", "From": "+2"}


@asynccontextmanager
async def context(
    answer: httpx.Response | Exception, auths: dict[str, Any], **settings: Any
) -> AsyncIterator[tuple[HelperContext[Any], list[httpx.Request]]]:
    """What a service client takes from a context, and the requests that it sent."""
    requests: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as http:
        ctx = SimpleNamespace(
            http=http, clock=FakeClock(), service_auths=FakeServiceAuths(auths), settings=HelperSettings(**settings)
        )
        yield cast("HelperContext[Any]", ctx), requests


async def failure(
    call: Callable[[HelperContext[Any]], Any], answer: httpx.Response | Exception, auths: dict[str, Any]
) -> HelperError:
    async with context(answer, auths) as (ctx, _):
        with pytest.raises(HelperError) as caught:
            await call(ctx)
    return caught.value


# twilio -------------------------------------------------------------------------------------------------------
async def test_twilio_takes_the_connection_before_the_config() -> None:
    """Basic auth with SID and token, a form, the account in the path."""
    auths = {"twilio": {"api_key": "AC1", "api_secret": "connected"}}
    async with context(httpx.Response(201, json={"sid": "SM1", "status": "queued"}), auths) as (ctx, requests):
        answer = await Twilio(ctx, "AC2", "configured").send_message(MESSAGE, {"X": "y"})

    (request,) = requests
    assert answer == {"sid": "SM1", "status": "queued"}
    assert str(request.url) == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:connected").decode()
    assert request.content == b"To=%2B1&Body=hi&From=%2B2"


async def test_twilio_falls_back_to_the_config() -> None:
    """An incomplete connection counts as none."""
    async with context(httpx.Response(201, json={"sid": "SM1"}), {"twilio": {"api_key": "AC1"}}) as (ctx, requests):
        await Twilio(ctx, "AC2", "configured").send_message(MESSAGE, {})

    assert requests[0].url.path == "/2010-04-01/Accounts/AC2/Messages.json"


async def test_twilio_without_credentials_is_refused() -> None:
    """Before anything is sent."""
    async with context(httpx.Response(201), {}) as (ctx, _):
        with pytest.raises(ServiceAuthRequired):
            Twilio(ctx, "AC2", "")


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, 21211, False), (400, 21610, False), (400, 21614, False), (400, 21611, True), (401, 20003, False),
        (403, 20403, False), (404, 20404, False), (429, 20429, True), (500, None, True),
    ],
)  # fmt: skip
async def test_twilio_outcomes(status: int, code: int | None, retryable: bool) -> None:
    """A full sender queue drains; the token is in no message."""
    error = await failure(
        lambda ctx: Twilio(ctx, "AC2", "configured").send_message(MESSAGE, {}),
        httpx.Response(status, json={"code": code, "message": "configured"}),
        {},
    )

    assert error.retryable is retryable
    assert "configured" not in str(error)


# klean13 ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("auths", "key"), [({"klean13": {"api_key": "own"}}, "own"), ({}, "platform"), ({"klean13": {}}, "platform")]
)
async def test_klean13_falls_back_to_the_key_of_the_platform(auths: dict[str, Any], key: str) -> None:
    """A connection wins."""
    verdict = {"email": "a@b.example", "result": "valid", "reason": "", "deliverable": True}
    async with context(httpx.Response(200, json=verdict), auths, klean13_api_key="platform") as (ctx, requests):
        assert await Klean13(ctx).validate("a@b.example") == verdict

    (request,) = requests
    assert str(request.url) == "https://app.klean13.com/api/validate-one"
    assert request.headers["Authorization"] == f"Bearer {key}"
    assert json.loads(request.content) == {"email": "a@b.example"}


async def test_klean13_without_any_key_is_refused() -> None:
    """Before anything is sent."""
    async with context(httpx.Response(200), {}) as (ctx, _):
        with pytest.raises(ServiceAuthRequired):
            Klean13(ctx)


# keap orders --------------------------------------------------------------------------------------------------
KEAP = {"keap": {"access_token": "token"}}
HOST = "https://api.infusionsoft.com/crm/rest"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("", f"{HOST}/v1/orders"),
        (HOST, f"{HOST}/v1/orders"),
        (f"{HOST}/v1/", f"{HOST}/v1/orders"),
        (f"{HOST}/v2", f"{HOST}/v1/orders"),
        ("https://mock.example/keap", "https://mock.example/keap/orders"),
    ],
)
async def test_orders_go_to_v1(base_url: str, url: str) -> None:
    """Whatever version the platform is seeded with."""
    auths = {"keap": {"access_token": "token", "base_url": base_url}}
    async with context(httpx.Response(201, json={"id": 5}), auths) as (ctx, requests):
        assert await KeapOrders(ctx).create({"contact_id": 1}, {}) == {"id": 5}

    assert str(requests[0].url) == url


@pytest.mark.parametrize(
    ("answer", "retryable", "unknown"),
    [
        (httpx.ConnectError("x"), True, False),
        (httpx.ConnectTimeout("x"), True, False),
        (httpx.Response(429), True, False),
        (httpx.Response(503), True, False),
        (httpx.ReadTimeout("x"), False, True),
        (httpx.RemoteProtocolError("x"), False, True),
        (httpx.Response(500), False, True),
        (httpx.Response(502), False, True),
        (httpx.Response(504), False, True),
        (httpx.Response(408), False, True),
        (httpx.Response(400), False, False),
        (httpx.Response(401), False, False),
    ],
)
async def test_an_order_that_may_exist_is_never_tried_again(
    answer: httpx.Response | Exception, retryable: bool, unknown: bool
) -> None:
    """And its failure says so."""
    error = await failure(lambda ctx: KeapOrders(ctx).create({}, {}), answer, KEAP)

    assert error.retryable is retryable
    assert ("unknown outcome" in str(error)) is unknown


# renewal ------------------------------------------------------------------------------------------------------
async def test_a_cancelled_run_keeps_the_tokens_that_are_on_their_way() -> None:
    """A rotated refresh token exists nowhere else."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/token":
            return httpx.Response(401)
        asked.set()
        await answer.wait()
        return httpx.Response(200, json={"access_token": "new", "refresh_token": "r2"})

    auths = FakeServiceAuths({"keap": {"access_token": "old", "refresh_token": "r1"}})
    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as http:
        ctx = SimpleNamespace(http=http, clock=FakeClock(), service_auths=auths, settings=HelperSettings())
        run = asyncio.create_task(KeapOrders(cast("HelperContext[Any]", ctx)).create({}, {}))
        await asked.wait()
        run.cancel()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert (auths.get("keap").access_token, auths.get("keap").refresh_token) == ("new", "r2")
