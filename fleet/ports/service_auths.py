"""Third-party credentials of one execution: `helpers.ports.ServiceAuths` on the connections tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from fleet.connections import ConnectionStore, Credentials
from helpers.crm.errors import CrmError
from helpers.errors import StateConflict
from helpers.ports import ServiceAuth

log = structlog.get_logger(__name__)

_NONE = ServiceAuth()


class ConnectedServices:
    """The services that ``config.service_connection_ids`` names, each checked to be the account's own."""

    def __init__(self, connections: ConnectionStore, loaded: Mapping[str, Credentials]) -> None:
        self._connections = connections
        self._loaded = dict(loaded)

    @classmethod
    async def load(
        cls,
        connections: ConnectionStore,
        config: Mapping[str, Any],
        account_id: str,
        shared: Mapping[str, str] | None = None,
    ) -> ConnectedServices:
        """Load what the config names. A connection that cannot be used counts as not connected (and is logged):
        the helper then fails with a clear error only if it needs it. ``shared`` (slug -> connection id) stands in
        for services that the config does not name."""
        named = config.get("service_connection_ids")
        chosen = (
            {slug: connection for slug, connection in named.items() if connection} if isinstance(named, Mapping) else {}
        )
        wanted = {**(shared or {}), **chosen}
        # google_sheet_it stores its connection under a key of its own
        for key in ("google_connection_id", "google_account_id"):
            if isinstance(config.get(key), str) and config[key]:
                wanted.setdefault("google_sheets", config[key])
        loaded: dict[str, Credentials] = {}
        for slug, connection_id in wanted.items():
            if not isinstance(connection_id, str) or not connection_id:
                continue
            try:
                loaded[slug] = await connections.credentials(connection_id, account_id)
            except CrmError as exc:
                if exc.retryable:
                    raise
                log.warning("service_connection_unusable", slug=slug, code=exc.code)
        return cls(connections, loaded)

    def get(self, slug: str) -> ServiceAuth:
        """The credentials; all empty when the service is not connected."""
        credentials = self._loaded.get(slug)
        return credentials.auth if credentials else _NONE

    async def store(self, slug: str, auth: ServiceAuth) -> None:
        """Keep renewed tokens. Raises StateConflict when the service is not connected or was reconnected meanwhile."""
        credentials = self._loaded.get(slug)
        if credentials is None:
            raise StateConflict(f"service {slug!r} is not connected")
        await self._connections.store_tokens(credentials, auth)
        self._loaded[slug] = credentials.with_auth(auth)
