"""Listing and testing the CRM connections of an account."""

from __future__ import annotations

from typing import Any

from fleet.connections import ConnectionStore
from fleet.connectors import Connectors

SHOWN = ("connection_id", "platform_id", "name", "status", "auth_type", "last_connected", "external_app_name")


async def list_connections(connections: ConnectionStore, account_id: str) -> list[dict[str, Any]]:
    """The account's connections without anything secret."""
    rows = await connections.list_connections(account_id)
    return [{name: row[name] for name in SHOWN if row.get(name)} for row in rows]


async def check_connection(connectors: Connectors, connection_id: str, account_id: str) -> dict[str, Any]:
    """Connect and make one cheap read. Raises CrmError, which says what is wrong."""
    connector = await connectors.get(connection_id, account_id)
    await connector.test_connection()
    metadata = await connector.get_metadata()
    capabilities = await connector.get_capabilities()
    return {"connection_id": connection_id, "ok": True, **metadata.model_dump(), "capabilities": capabilities}
