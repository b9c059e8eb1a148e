"""Connectors are made once a connection and kept for minutes; what must not be doubled outlives a reload."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any
from weakref import WeakSet

import httpx
import pytest

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.connections import ConnectionStore, Credentials
from fleet.connectors import Connectors
from fleet.marshalling import item
from fleet.settings import FleetSettings
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.factory import ConnectorConfig
from helpers.ports import HelperSettings, OAuthClient, ServiceAuth
from helpers.testing.ports import RunState


class ManualClock(SystemClock):
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class TokenStore:
    """A row of tokens that nobody reads here."""


class Connections(ConnectionStore):
    """Answers from memory and counts."""

    def __init__(self) -> None:
        self.reads = 0
        self.marked: list[str] = []
        self.rows: dict[str, Credentials] = {}
        self.stores = 0
        self.gone = False
        self.token_stores: WeakSet[TokenStore] = WeakSet()

    def add(self, slug: str, **values: Any) -> None:
        auth = ServiceAuth(**{key: values.pop(key) for key in list(values) if key in ServiceAuth.model_fields})
        auth_type = values.get("auth_type", "api_key")
        self.rows[f"connection:{slug}"] = Credentials(
            slug=slug, connection_id=f"connection:{slug}", auth_id="auth:1", auth_type=auth_type,
            base_url=values.get("url", ""), account_id="tenant", auth=auth, expires_at=None,
            settings={},
        )  # fmt: skip

    async def credentials(self, connection_id: str, account_id: str) -> Credentials:
        self.reads += 1
        await asyncio.sleep(0)
        if account_id != "account:1":
            raise CrmError(CrmErrorCode.FORBIDDEN, "another account's", platform="connection", status_code=403)
        if self.gone:
            raise CrmError(CrmErrorCode.CONNECTION_NOT_FOUND, "gone", platform="connection", status_code=404)
        return self.rows[connection_id]

    def token_store(self, held: Credentials) -> Any:
        self.stores += 1
        store = TokenStore()
        self.token_stores.add(store)
        return store

    async def mark_error(self, connection_id: str) -> None:
        self.marked.append(connection_id)


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def connectors(connections: Connections, clock: ManualClock, tmp_path: Path) -> Connectors:
    settings = HelperSettings(oauth_clients={"keap": OAuthClient(client_id="id", client_secret="secret")})
    return Connectors(connections, settings, cache_seconds=300, sandbox_path=str(tmp_path / "crm.db"), clock=clock)


async def test_a_burst_of_first_uses_loads_a_connection_once(connectors: Connectors, connections: Connections) -> None:
    """And later uses not at all, until the cache runs out."""
    connections.add("sandbox")

    await asyncio.gather(*(connectors.get("connection:sandbox", "account:1") for _ in range(20)))

    assert connections.reads == 1


async def test_credentials_are_read_again_after_some_minutes(
    connectors: Connectors, connections: Connections, clock: ManualClock
) -> None:
    """A connection that was closed meanwhile is noticed."""
    connections.add("sandbox")
    await connectors.get("connection:sandbox", "account:1")
    clock.seconds = 299
    await connectors.get("connection:sandbox", "account:1")
    assert connections.reads == 1

    clock.seconds = 300
    await connectors.get("connection:sandbox", "account:1")
    assert connections.reads == 2


async def test_a_cached_connection_is_not_handed_to_another_account(
    connectors: Connectors, connections: Connections
) -> None:
    """The store refuses it."""
    connections.add("sandbox")
    await connectors.get("connection:sandbox", "account:1")

    with pytest.raises(CrmError) as refused:
        await connectors.get("connection:sandbox", "account:2")

    assert refused.value.code is CrmErrorCode.FORBIDDEN


async def test_renewal_and_rate_limit_outlive_a_reload(
    connectors: Connectors, connections: Connections, clock: ManualClock
) -> None:
    """A second renewal object would spend the refresh token twice, a fresh window would end in 429."""
    connections.add("keap", access_token="a", refresh_token="r", auth_type="oauth2")
    await connectors.get("connection:keap", "account:1")
    clock.seconds = 1000
    await connectors.get("connection:keap", "account:1")

    assert (connections.reads, connections.stores) == (2, 1)
    await connectors.close()


async def test_a_connection_that_is_not_used_any_more_is_forgotten(
    connectors: Connectors, connections: Connections, clock: ManualClock
) -> None:
    """A worker lives for weeks and meets every tenant."""
    connections.add("keap", access_token="a", refresh_token="r", auth_type="oauth2")
    connections.add("sandbox")
    await connectors.get("connection:keap", "account:1")
    assert len(connections.token_stores) == 1

    clock.seconds = 4000
    await connectors.get("connection:sandbox", "account:1")
    gc.collect()

    assert len(connections.token_stores) == 0
    await connectors.close()


@pytest.mark.parametrize(
    ("code", "status", "auth_type", "marked"),
    [
        (CrmErrorCode.AUTH_EXPIRED, 401, "api_key", True),
        (CrmErrorCode.FORBIDDEN, 403, "api_key", True),  # ActiveCampaign's answer to a bad key
        (CrmErrorCode.AUTH_EXPIRED, 401, "oauth2", False),
        (CrmErrorCode.FORBIDDEN, 403, "oauth2", False),
        (CrmErrorCode.RATE_LIMITED, 429, "api_key", False),
    ],
)
async def test_a_dead_api_key_puts_its_connection_into_error(
    connectors: Connectors, connections: Connections, code: CrmErrorCode, status: int, auth_type: str, marked: bool
) -> None:
    """OAuth connections are marked where the renewal is refused; other errors say nothing about the key."""
    connections.add("hubspot", access_token="x", api_key="k", auth_type=auth_type)
    await connectors.get("connection:hubspot", "account:1")

    await connectors.refused("connection:hubspot", CrmError(code, "no", platform="hubspot", status_code=status))

    assert connections.marked == (["connection:hubspot"] if marked else [])
    await connectors.close()


async def test_the_refusal_of_a_key_that_was_replaced_meanwhile_says_nothing_about_the_new_one(
    connectors: Connectors, connections: Connections
) -> None:
    """The user has just reconnected; runs used the cached key for some more seconds."""
    connections.add("hubspot", api_key="old")
    await connectors.get("connection:hubspot", "account:1")
    connections.add("hubspot", api_key="new")
    refusal = CrmError(CrmErrorCode.AUTH_EXPIRED, "no", platform="hubspot", status_code=401)

    await connectors.refused("connection:hubspot", refusal)

    assert connections.marked == []
    reads = connections.reads
    await connectors.get("connection:hubspot", "account:1")
    assert connections.reads == reads + 1
    await connectors.close()


async def test_a_connection_that_is_gone_is_not_marked(connectors: Connectors, connections: Connections) -> None:
    """Its owner deleted it while a run was under way."""
    connections.add("hubspot", api_key="k")
    await connectors.get("connection:hubspot", "account:1")
    connections.gone = True

    await connectors.refused(
        "connection:hubspot", CrmError(CrmErrorCode.AUTH_EXPIRED, "no", platform="hubspot", status_code=401)
    )

    assert connections.marked == []
    await connectors.close()


class CountedState(RunState):
    """Notes what is reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.reserved: list[int] = []

    async def increment(self, key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        self.reserved.append(by)
        return await super().increment(key, by, ttl_seconds=ttl_seconds)


async def test_accounts_of_one_oauth_client_share_keaps_quota(connections: Connections, clock: ManualClock) -> None:
    """One object whose blocks grow: minute and day, one call, then two. API keys have no part in it."""
    state = CountedState()
    settings = HelperSettings(oauth_clients={"keap": OAuthClient(client_id="id", client_secret="secret")})
    connectors = Connectors(connections, settings, cache_seconds=300, state=state, clock=clock)

    for name, oauth in (("one", True), ("two", True), ("three", False)):
        limiter = connectors.limiter("keap", ConnectorConfig(connection_id=name), oauth=oauth)
        assert limiter is not None
        await limiter.acquire()

    assert state.reserved == [1, 1, 2, 2]


async def test_the_sandbox_needs_the_operators_path(connections: Connections) -> None:
    """A stored connection cannot open a file of the worker."""
    connections.add("sandbox", url="/etc/passwd")
    connectors = Connectors(connections, HelperSettings(), cache_seconds=300)

    with pytest.raises(CrmError) as refused:
        await connectors.get("connection:sandbox", "account:1")

    assert refused.value.code is CrmErrorCode.PLATFORM_NOT_FOUND
    await connectors.close()


@pytest.mark.stack
async def test_the_location_that_only_a_token_answer_names_is_found(
    aws: AwsClients, stage_settings: FleetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier platform never stored GoHighLevel's (crm.md section 3): one renewal writes it to the connection."""
    calls: list[str] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        issued = {"access_token": "a2", "refresh_token": "r2", "expires_in": 86399, "locationId": "L7"}
        return httpx.Response(200, json=issued if request.url.path == "/oauth/token" else {"location": {}})

    monkeypatch.setattr(
        "fleet.connectors.http_client", lambda _: httpx.AsyncClient(transport=httpx.MockTransport(vendor))
    )
    common = {"connection_id": "connection:1", "account_id": "account:1", "auth_id": "auth:1", "status": "active"}
    tokens = {"access_token": "a1", "refresh_token": "r1", "expires_at": 4_000_000_000, "version": 0}
    for table, row in (
        (stage_settings.connections_table, {**common, "platform_id": "platform:gohighlevel"}),
        (stage_settings.platform_connection_auths_table, {**common, **tokens, "auth_type": "oauth2"}),
        (stage_settings.platforms_table, {"platform_id": "platform:gohighlevel", "slug": "gohighlevel"}),
    ):
        await aws.dynamodb.put_item(TableName=table, Item=item(row))
    store = ConnectionStore(aws.dynamodb, stage_settings)
    settings = HelperSettings(oauth_clients={"gohighlevel": OAuthClient(client_id="id", client_secret="secret")})

    for _ in range(2):  # a second worker finds it stored
        connectors = Connectors(store, settings, cache_seconds=300)
        await (await connectors.get("connection:1", "account:1")).test_connection()
        await connectors.close()

    assert calls == ["/oauth/token", "/locations/L7", "/locations/L7"]
