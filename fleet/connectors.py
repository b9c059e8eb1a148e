"""CRM connectors by connection id: credentials loaded once, kept for minutes, one HTTP client per platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

import httpx
import structlog

from fleet.clock import SystemClock
from fleet.connections import ConnectionStore, Credentials
from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.factory import ConnectorConfig, app_limiter, build, needs_account, rate_limiter, rate_scope
from helpers.crm.oauth import OAuthTokens
from helpers.crm.rate_limit import AllOf, CallLimiter
from helpers.crm.token_endpoint import TOKEN_ENDPOINTS
from helpers.ports import HelperSettings, OAuthClient, StateStore
from helpers.rules.egress_transport import CheckedTransport

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
# How long an unused connector is kept at least: longer than a run that may report its key as refused, and than any
# limit of an account counts.
KEPT_SECONDS = 3600.0


def http_client(settings: HelperSettings) -> httpx.AsyncClient:
    """A client for outgoing requests: bounded, no redirects (they would resend credentials), egress checked."""
    return httpx.AsyncClient(
        transport=CheckedTransport(settings),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": settings.user_agent},
    )


@dataclass(frozen=True, slots=True)
class _Cached:
    connector: CrmConnector
    account_id: str
    credentials: Credentials
    loaded_at: float


class Connectors:
    """``await connectors.get(connection_id, account_id)``; concurrent first uses of a connection load it once.

    A connection that is cached for one account is loaded anew for another, which the store then refuses. Rate
    limiters and OAuth tokens outlive a reload: a fresh window or a second renewal would break what they are for.
    They go with the last connector that uses them, and that one when it is not asked for any more.
    """

    def __init__(
        self,
        connections: ConnectionStore,
        settings: HelperSettings,
        *,
        cache_seconds: float,
        sandbox_path: str = "",
        state: StateStore | None = None,
        reload_clients: Callable[[], Awaitable[Mapping[str, OAuthClient]]] | None = None,
        clock: SystemClock | None = None,
    ) -> None:
        self._connections = connections
        self._settings = settings
        self._cache_seconds = cache_seconds
        self._sandbox_path = sandbox_path
        self._state = state
        self._reload_clients = reload_clients
        self._clock = clock or SystemClock()
        self._cached: dict[str, _Cached] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._limiters: WeakValueDictionary[tuple[str, str, bool], CallLimiter] = WeakValueDictionary()
        self._app_limiters: dict[str, CallLimiter | None] = {}
        self._tokens: WeakValueDictionary[str, OAuthTokens] = WeakValueDictionary()

    async def get(self, connection_id: str, account_id: str) -> CrmConnector:
        """The connector of the account's connection, for one run. Raises CrmError with the loader's codes."""
        lock = self._locks.setdefault(connection_id, asyncio.Lock())
        async with lock:
            cached = self._cached.get(connection_id)
            age = self._clock.monotonic() - cached.loaded_at if cached else 0.0
            if cached is None or cached.account_id != account_id or age >= self._cache_seconds:
                credentials = await self._credentials(connection_id, account_id)
                cached = _Cached(self._build(credentials), account_id, credentials, self._clock.monotonic())
                self._cached[connection_id] = cached
                self._forget_unused()
        return cached.connector.run_scope()

    def _forget_unused(self) -> None:
        before = self._clock.monotonic() - max(self._cache_seconds, KEPT_SECONDS)
        self._cached = {key: cached for key, cached in self._cached.items() if cached.loaded_at > before}

    async def refused(self, connection_id: str, error: CrmError) -> None:
        """A run failed with this error: a refused API key (401, 403) puts its connection into ``error`` (crm.md 2.1).

        A dead OAuth token did so already, when its renewal was refused.
        """
        cached = self._cached.get(connection_id)
        if error.status_code not in (401, 403) or cached is None:
            return
        auth_type = cached.credentials.auth_type
        if error.code is CrmErrorCode.FORBIDDEN and auth_type != "api_key":
            return
        self._cached.pop(connection_id, None)
        self._tokens.pop(connection_id, None)
        if auth_type == "api_key" and await self._is_current(connection_id, cached):
            log.warning("connection_refused", connection_id=connection_id, platform=error.platform)
            await self._connections.mark_error(connection_id)

    async def _is_current(self, connection_id: str, cached: _Cached) -> bool:
        """Whether what was refused still is what is stored: the user may have connected anew since it was cached."""
        try:
            stored = await self._connections.credentials(connection_id, cached.account_id)
        except CrmError:
            return False  # closed or gone
        return stored.auth == cached.credentials.auth

    async def close(self) -> None:
        """Close the HTTP clients."""
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.aclose() for client in clients.values()))

    async def _credentials(self, connection_id: str, account_id: str) -> Credentials:
        credentials = await self._connections.credentials(connection_id, account_id)
        for _ in range(2):
            if credentials.account_id or not needs_account(credentials.slug):
                break
            tokens = self._renewable(credentials)
            if tokens is None:
                break
            # The earlier platform never kept GoHighLevel's location, which only token answers name: renewing writes
            # it to the connection. Where another process has just renewed, that may be about to happen: once more.
            await tokens.renewed(credentials.auth.access_token)
            credentials = await self._connections.credentials(connection_id, account_id)
        return credentials

    def _client(self, slug: str) -> httpx.AsyncClient:
        if slug not in self._clients:
            self._clients[slug] = http_client(self._settings)
        return self._clients[slug]

    def _build(self, credentials: Credentials) -> CrmConnector:
        auth = credentials.auth
        config = ConnectorConfig(
            connection_id=credentials.connection_id,
            access_token=auth.access_token,
            refresh_token=auth.refresh_token,
            api_key=auth.api_key,
            api_secret=auth.api_secret,
            base_url=credentials.base_url,
            account_id=credentials.account_id,
            settings=credentials.settings,
        )
        tokens = self._renewable(credentials)
        return build(
            credentials.slug,
            config,
            self._client(credentials.slug),
            clock=self._clock,
            settings=self._settings,
            tokens=tokens,
            limiter=self.limiter(credentials.slug, config, oauth=tokens is not None),
            sandbox_path=self._sandbox_path,
        )

    def limiter(self, slug: str, config: ConnectorConfig, *, oauth: bool) -> CallLimiter | None:
        """The limits of the CRM account, and of the OAuth client that all accounts share where the vendor has those."""
        account = (slug, rate_scope(slug, config), oauth)
        own = self._limiters.get(account) or rate_limiter(slug, self._clock, oauth=oauth)
        if own is None:
            return None
        self._limiters[account] = own
        if not oauth or self._state is None:
            return own
        if slug not in self._app_limiters:
            client_id = self._settings.oauth_clients[slug].client_id
            self._app_limiters[slug] = app_limiter(slug, client_id, self._state, self._clock)
        shared = self._app_limiters[slug]
        return own if shared is None else AllOf(own, shared)

    def _renewable(self, credentials: Credentials) -> OAuthTokens | None:
        """Tokens that renew themselves, where refresh token and OAuth client are there; one object a connection."""
        oauth_client = self._settings.oauth_clients.get(credentials.slug)
        if credentials.slug not in TOKEN_ENDPOINTS or not credentials.auth.refresh_token or oauth_client is None:
            return None
        tokens = self._tokens.get(credentials.connection_id)
        if tokens is None:
            store = self._connections.token_store(credentials)
            tokens = OAuthTokens(
                credentials.slug, store, oauth_client, self._client(credentials.slug), self._clock,
                reload_client=lambda: self._reloaded_client(credentials.slug),
            )  # fmt: skip
            self._tokens[credentials.connection_id] = tokens
        return tokens

    async def _reloaded_client(self, slug: str) -> OAuthClient | None:
        return (await self._reload_clients()).get(slug) if self._reload_clients is not None else None
