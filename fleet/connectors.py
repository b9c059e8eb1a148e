"""CRM connectors by connection id: credentials loaded once, kept for minutes, one HTTP client per platform."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import structlog

from fleet.clock import SystemClock
from fleet.connections import ConnectionStore, Credentials
from helpers.crm.connector import CrmConnector
from helpers.crm.factory import ConnectorConfig, build
from helpers.ports import HelperSettings
from helpers.rules.egress_transport import CheckedTransport

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0


def http_client(settings: HelperSettings) -> httpx.AsyncClient:
    """A client for outgoing requests: bounded, no redirects (they would resend credentials), egress checked."""
    return httpx.AsyncClient(
        transport=CheckedTransport(settings),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": settings.user_agent},
    )


@dataclass(slots=True)
class _Cached:
    connector: CrmConnector
    account_id: str
    loaded_at: float


class Connectors:
    """``await connectors.get(connection_id, account_id)``; concurrent first uses of a connection load it once.

    A connection that is cached for one account is loaded anew for another, which the store then refuses.
    """

    def __init__(
        self,
        connections: ConnectionStore,
        settings: HelperSettings,
        *,
        cache_seconds: float,
        sandbox_path: str = "",
        clock: SystemClock | None = None,
    ) -> None:
        self._connections = connections
        self._settings = settings
        self._cache_seconds = cache_seconds
        self._sandbox_path = sandbox_path
        self._clock = clock or SystemClock()
        self._cached: dict[str, _Cached] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def get(self, connection_id: str, account_id: str) -> CrmConnector:
        """The connector of the account's connection. Raises CrmError with the loader's codes."""
        lock = self._locks.setdefault(connection_id, asyncio.Lock())
        async with lock:
            cached = self._cached.get(connection_id)
            age = self._clock.monotonic() - cached.loaded_at if cached else 0.0
            if cached is None or cached.account_id != account_id or age >= self._cache_seconds:
                credentials = await self._connections.credentials(connection_id, account_id)
                cached = _Cached(self._build(credentials), account_id, self._clock.monotonic())
                self._cached[connection_id] = cached
            return cached.connector

    def forget(self, connection_id: str) -> None:
        """Load the connection anew at its next use."""
        self._cached.pop(connection_id, None)

    async def close(self) -> None:
        """Close the HTTP clients."""
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.aclose() for client in clients.values()))

    def _build(self, credentials: Credentials) -> CrmConnector:
        client = self._clients.get(credentials.slug)
        if client is None:
            client = self._clients[credentials.slug] = http_client(self._settings)
        auth = credentials.auth
        config = ConnectorConfig(
            connection_id=credentials.connection_id,
            access_token=auth.access_token,
            refresh_token=auth.refresh_token,
            api_key=auth.api_key,
            api_secret=auth.api_secret,
            base_url=credentials.base_url,
            account_id=credentials.account_id,
        )
        return build(credentials.slug, config, client, sandbox_path=self._sandbox_path)
