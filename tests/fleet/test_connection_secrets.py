"""No key or token of a connection gets into an error, a log line, a repr or an answer, whatever goes wrong.

The vendors here are hostile: they quote back everything that they were sent, in every field an error text is read from.
"""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from fleet.cli import connections as commands
from fleet.cli.main import app
from fleet.clock import SystemClock
from fleet.connections import ConnectionStore, Credentials
from fleet.connectors import Connectors
from fleet.operations.connections import check_connection
from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError
from helpers.crm.factory import VENDORS
from helpers.crm.models import ContactUpdate
from helpers.crm.oauth import IssuedTokens, TokenRow
from helpers.crm.token_endpoint import TOKEN_ENDPOINTS
from helpers.errors import TargetRefused
from helpers.ports import HelperSettings, OAuthClient, ServiceAuth
from helpers.testing.ports import RunState
from tests.helpers.crm.fakes.base import SteppingClock
from worker.outcomes import of_error

# Characters that are written differently in URLs, forms and JSON; the last two look like an error code.
API_KEY, API_SECRET, ACCESS = "needle/api+key=1", 'needle"app\\id', "needle.access-token"
REFRESH, CLIENT_SECRET = "needle_refresh_token", "needle_client_secret"
RENEWED = "needle.renewed/token"
CLIENT = OAuthClient(client_id="client-1", client_secret=CLIENT_SECRET)

Answer = Callable[[httpx.Request], httpx.Response]


def leaks(text: str) -> list[str]:
    """The secrets that a text holds, in whichever spelling."""
    secrets = (API_KEY, API_SECRET, ACCESS, REFRESH, CLIENT_SECRET, RENEWED)
    pairs = [f"{CLIENT.client_id}:{CLIENT_SECRET}"]
    encoded = [base64.b64encode(secret.encode()).decode() for secret in (*secrets, *pairs)]
    return [form for form in (*encoded, "needle") if form in text]


def echo(request: httpx.Request) -> str:
    """All that the request said: headers and body, also decoded."""
    sent = request.content.decode()
    words = [*request.headers.values(), sent, *httpx.QueryParams(sent).values()]
    return " ".join([*words, *(form(word) for word in words for form in (quote, quote_plus))])


def refusal(status: int, **headers: str) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        text = echo(request)
        # Ontraport's code, Keap's result map, GoHighLevel's flag and HubSpot's errors of a 207 say no in a 2xx.
        body = {
            "code": 1, "message": text, "error": text, "title": text, "data": text, "succeded": False,
            "errors": [{"title": text, "message": text, "detail": text}], "error_description": text,
            "results": {"7": f"FAILED {text}"},
        }  # fmt: skip
        return httpx.Response(status, json=body, headers=headers)

    return answer


def body(make: Callable[[str], str]) -> Answer:
    return lambda request: httpx.Response(200, text=make(echo(request)))


def broken(error: Callable[[str], Exception]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error(echo(request))

    return answer


FAILURES: dict[str, Answer] = {
    **{str(status): refusal(status) for status in (400, 401, 402, 403, 404, 409, 422, 423, 500, 501, 503)},
    "429": refusal(429, **{"Retry-After": "900"}),
    "day quota": refusal(429, **{"X-RateLimit-Daily-Remaining": "0", "x-keap-product-quota-available": "0"}),
    "redirect": lambda request: httpx.Response(302, headers={"Location": "https://x.example/?" + quote(echo(request))}),
    "no in a 200": refusal(200),
    "html": body(lambda text: f"<h1>{text}</h1>"),
    "list": body(lambda text: json.dumps([text])),
    "empty object": body(lambda _: "{}"),
    "cut json": body(lambda text: '{"message": "' + text.replace('"', "")),
    "deep json": body(lambda text: "[" * 100_000 + text),
    "refused connection": broken(httpx.ConnectError),
    "cut connection": broken(httpx.ReadError),
    "timeout": broken(httpx.ReadTimeout),
    "illegal header": broken(httpx.LocalProtocolError),
    "bad scheme": broken(httpx.UnsupportedProtocol),
    "private address": broken(lambda _: TargetRefused("10.0.0.1 is not a public address")),
}


class Clock(SteppingClock, SystemClock):
    def monotonic(self) -> float:
        return self.now().timestamp()


class Tokens:
    """The stored row of an OAuth connection; ``failing`` writes fail with the tokens in their text."""

    def __init__(self, *, failing: int = 0) -> None:
        self.row = TokenRow(ACCESS, REFRESH, version=1)
        self.notes: list[str] = []
        self._failing = failing

    async def read(self) -> TokenRow:
        return self.row

    async def lease(self, refresh_token: str, *, owner: str, until: float, now: float) -> bool:
        self.row = TokenRow(self.row.access_token, refresh_token, version=1, lease_owner=owner, lease_until=until)
        return True

    async def store(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        if self._failing:
            self._failing -= 1
            raise ConnectionError(f"could not write {issued.access_token} {issued.refresh_token}")
        self.row = TokenRow(issued.access_token, issued.refresh_token, version=2)
        return None

    async def refuse(self, spent: TokenRow, *, owner: str, error: str) -> None:
        self.notes.append(error)

    async def release(self, *, owner: str, error: str) -> None:
        self.notes.append(error)


class World(ConnectionStore):
    """One connection of a vendor, by key or by OAuth, and the only network there is."""

    def __init__(self, slug: str, *, oauth: bool, tokens: Tokens | None = None) -> None:
        auth = {"access_token": ACCESS, "refresh_token": REFRESH} if oauth else {"api_key": API_KEY}
        self.held = Credentials(
            slug=slug, connection_id="c1", auth_id="auth:1", auth_type="oauth2" if oauth else "api_key",
            base_url="https://acme.api-us1.com" if slug == "activecampaign" else "", account_id="loc1",
            auth=ServiceAuth(api_secret=API_SECRET, **auth), expires_at=None, settings={"app_id": API_SECRET},
        )  # fmt: skip
        self.tokens = tokens or Tokens()
        self.answer: Answer = refusal(500)
        self.token_answer: Answer = refusal(500)
        settings = HelperSettings(oauth_clients={slug: CLIENT} if oauth else {})
        self.connectors = Connectors(self, settings, cache_seconds=300, clock=Clock(), state=RunState())

    async def credentials(self, connection_id: str, account_id: str) -> Credentials:
        return self.held

    def token_store(self, held: Credentials) -> Any:
        return self.tokens

    async def list_connections(self, account_id: str) -> list[dict[str, Any]]:
        return [{"connection_id": "c1", "name": "CRM", "credentials_metadata": {"app_id": API_SECRET}}]

    async def mark_error(self, connection_id: str) -> None: ...

    async def mark_working(self, connection_id: str) -> None: ...

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        at_token_endpoint = str(request.url) in {endpoint.url for endpoint in TOKEN_ENDPOINTS.values()}
        return (self.token_answer if at_token_endpoint else self.answer)(request)


OPERATIONS: dict[str, Callable[[CrmConnector], Awaitable[object]]] = {
    "get_contact": lambda crm: crm.get_contact("7"),
    "update_contact": lambda crm: crm.update_contact("7", ContactUpdate(first_name="Ada", company="ACME")),
    "apply_tag": lambda crm: crm.apply_tag("7", "VIP"),
    "create_tag": lambda crm: crm.create_tag("VIP"),
    "trigger_automation": lambda crm: crm.trigger_automation("7", "1/2"),
    "set_opt_in_status": lambda crm: crm.set_opt_in_status("7", opt_in=False),
    "create_note": lambda crm: crm.create_note("7", "title", "text"),
    "list_opportunities": lambda crm: crm.list_opportunities("7"),
    "get_contacts": lambda crm: crm.get_contacts(),
}


def use(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    client = httpx.AsyncClient(transport=httpx.MockTransport(world.handle))
    monkeypatch.setattr("fleet.connectors.http_client", lambda _: client)
    return world


async def told(world: World) -> list[str]:
    """All that one check and one of each operation tell anybody: errors, chained ones too, outcomes, logs, reprs."""
    texts: list[str] = []
    with capture_logs() as logs:
        crm = await world.connectors.get("c1", "a1")
        checks = {"check": lambda _: check_connection(world, world.connectors, "c1", "a1")}
        for operation in (checks | OPERATIONS).values():
            try:
                texts.append(repr(await operation(crm)))
            except CrmError as exc:
                chain = "".join(traceback.format_exception(exc))
                texts += [str(exc), repr(exc), repr(exc.args), repr(exc.as_json()), repr(of_error(exc)), chain]
        client: Any = crm.client  # type: ignore[attr-defined]
        objects = (crm, client, client._credential, world.connectors, world.held, world.tokens.row, CLIENT)
        texts += [repr(value) for value in objects]
    return [*texts, *world.tokens.notes, *(repr(entry) for entry in logs)]


OAUTH = [(slug, True) for slug in TOKEN_ENDPOINTS]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("slug", "oauth"), [*((slug, False) for slug in VENDORS), *OAUTH])
async def test_no_failure_of_a_vendor_tells_a_secret(
    slug: str, oauth: bool, failure: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By key and by OAuth; every answer is a CrmError or none, never a crash that quotes what it met."""
    caplog.set_level(logging.DEBUG)
    world = use(monkeypatch, World(slug, oauth=oauth))
    world.answer = FAILURES[failure]

    texts = await told(world)

    assert len(texts) > len(OPERATIONS)
    assert [(text, found) for text in [*texts, caplog.text] if (found := leaks(text))] == []


def issuing(request: httpx.Request) -> httpx.Response:
    answer = {"access_token": RENEWED, "refresh_token": REFRESH + "_two", "expires_in": 1800, "scope": "full"}
    return httpx.Response(200, json=answer)


REFUSED_RENEWALS: dict[str, Answer] = FAILURES | {
    "dead token": lambda request: httpx.Response(
        400, json={"error": "invalid_grant", "error_description": echo(request)}
    ),
    "token as code": lambda _: httpx.Response(400, json={"error": REFRESH}),
    "secret as code": lambda _: httpx.Response(500, json={"error": CLIENT_SECRET}),
    "wrong client": lambda request: httpx.Response(401, json={"error": "invalid_client", "message": echo(request)}),
    "good": issuing,
}  # fmt: skip


@pytest.mark.parametrize("failure", REFUSED_RENEWALS)
@pytest.mark.parametrize("slug", TOKEN_ENDPOINTS)
async def test_no_renewal_tells_a_secret(
    slug: str, failure: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither one that fails nor one that succeeds after the store has failed; nor the note that it leaves."""
    caplog.set_level(logging.DEBUG)
    world = use(monkeypatch, World(slug, oauth=True, tokens=Tokens(failing=1)))
    world.answer, world.token_answer = refusal(401), REFUSED_RENEWALS[failure]

    texts = await told(world)

    assert (world.tokens.row.access_token == RENEWED) is (failure == "good")
    assert [(text, found) for text in [*texts, caplog.text] if (found := leaks(text))] == []


@pytest.mark.parametrize("slug", VENDORS)
def test_the_connections_commands_tell_no_secret(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``mfh connections``: a test that fails, a test that succeeds, the list as a table and as JSON."""
    world = use(monkeypatch, World(slug, oauth=False))

    async def with_runs(call: Callable[[Any], Awaitable[Any]]) -> Any:
        return await call(SimpleNamespace(connections=world, connectors=world.connectors))

    monkeypatch.setattr(commands, "_with_runs", with_runs)
    runner = CliRunner()

    def run(*arguments: str) -> tuple[int, str]:
        result = runner.invoke(app, ["connections", *arguments, "--account", "a1"])
        return result.exit_code, result.output + repr(result.exception)

    world.answer = refusal(401)
    outputs = [run("test", "c1"), run("list"), run("list", "--json"), run("convert-lists", "c1")]
    world.answer = body(lambda _: "{}")
    outputs.append(run("test", "c1"))

    assert [code for code, _ in outputs] == [1, 0, 0, 1, 0]
    assert [output for _, output in outputs if leaks(output)] == []
