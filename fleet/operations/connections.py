"""Listing and testing the CRM connections of an account."""

from __future__ import annotations

from typing import Any

from fleet.aws import aws_clients
from fleet.connections import ConnectionStore
from fleet.connectors import Connectors
from fleet.helper_settings import HelperRuntimeSettings, load_helper_settings

SHOWN = ("connection_id", "platform_id", "name", "status", "auth_type", "last_connected", "external_app_name")


async def list_connections(account_id: str) -> list[dict[str, Any]]:
    """The account's connections without anything secret."""
    settings = HelperRuntimeSettings.from_environment()
    async with aws_clients(settings) as aws:
        rows = await ConnectionStore(aws.dynamodb, settings).list_connections(account_id)
    return [{name: row[name] for name in SHOWN if row.get(name)} for row in rows]


async def check_connection(connection_id: str, account_id: str) -> dict[str, Any]:
    """Connect and make one cheap read. Raises CrmError, which says what is wrong."""
    settings = HelperRuntimeSettings.from_environment()
    async with aws_clients(settings) as aws:
        connectors = Connectors(
            ConnectionStore(aws.dynamodb, settings),
            await load_helper_settings(settings, aws.ssm),
            cache_seconds=0,
            sandbox_path=settings.sandbox_crm_path,
        )
        try:
            connector = await connectors.get(connection_id, account_id)
            await connector.test_connection()
            metadata = await connector.get_metadata()
            capabilities = await connector.get_capabilities()
        finally:
            await connectors.close()
    return {"connection_id": connection_id, "ok": True, **metadata.model_dump(), "capabilities": capabilities}
