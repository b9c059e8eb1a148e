"""Listing and testing the CRM connections of an account."""

from __future__ import annotations

import asyncio
from typing import Any

from fleet.connections import ConnectionStore
from fleet.connectors import Connectors
from helpers.crm.errors import CrmError, CrmErrorCode

TEST_SECONDS = 15.0

SHOWN = ("connection_id", "platform_id", "name", "status", "auth_type", "last_connected", "external_app_name")


async def list_connections(connections: ConnectionStore, account_id: str) -> list[dict[str, Any]]:
    """The account's connections without anything secret."""
    rows = await connections.list_connections(account_id)
    return [{name: row[name] for name in SHOWN if row.get(name)} for row in rows]


async def check_connection(
    connections: ConnectionStore, connectors: Connectors, connection_id: str, account_id: str
) -> dict[str, Any]:
    """Connect, make one cheap read, and note the outcome as the connection's status (crm.md sections 2.1, 7).

    Raises CrmError, which says what is wrong; it is NETWORK when the CRM does not answer within the 15 s of a test.
    """
    connector = await connectors.get(connection_id, account_id)
    try:
        async with asyncio.timeout(TEST_SECONDS):
            await connector.test_connection()
    except TimeoutError as exc:
        raise CrmError(
            CrmErrorCode.NETWORK, f"no answer within {TEST_SECONDS:g} s", platform=connector.slug, retryable=True
        ) from exc
    except CrmError as exc:
        await connectors.refused(connection_id, exc)
        raise
    await connections.mark_working(connection_id)
    metadata = await connector.get_metadata()
    capabilities = await connector.get_capabilities()
    return {"connection_id": connection_id, "ok": True, **metadata.model_dump(), "capabilities": capabilities}
