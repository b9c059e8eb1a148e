"""Fills a provisioned stage: the sandbox's contacts, a connection to it, stored helpers and an API key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.api_keys import ApiKeys
from fleet.aws import AwsClients, aws_clients
from fleet.local.demo import scenario
from fleet.local.demo.stored_helpers import helpers
from fleet.marshalling import item
from fleet.settings import FleetSettings
from fleet.stored_helpers import StoredHelpers, new_helper_id
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import Seed
from helpers.crm.sandbox.seed import seed as seed_sandbox
from helpers.crm.sandbox.store import SandboxStore
from helpers.ports import StoredHelper
from helpers.registry import inventory


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a caller of the API needs: ``helpers`` is short key -> helper id."""

    api_key: str
    helpers: dict[str, str]


async def seed(
    settings: FleetSettings,
    sandbox_path: Path,
    receiver_url: str,
    *,
    account: str = scenario.ACCOUNT,
    more: Seed | None = None,
) -> Seeded:
    """Write everything; the stage must be provisioned. Contacts and connection of an earlier demo are renewed.

    ``more`` goes into the sandbox on top of the demo's contacts.
    """
    store = SandboxStore(sandbox_path)
    crm = SandboxConnector(store)
    seed_sandbox(crm, {"contacts": scenario.contacts(), "tags": scenario.TAGS})
    seed_sandbox(crm, more or {})
    store.close()
    async with aws_clients(settings) as aws:
        await connect_sandbox(settings, aws, account=account)
        ids: dict[str, str] = {}
        stored = StoredHelpers(aws.dynamodb, settings.helpers_table)
        for helper in helpers(receiver_url):
            ids[helper.key] = new_helper_id()
            await stored.put(
                StoredHelper(
                    helper_id=ids[helper.key],
                    helper_type=helper.helper_type,
                    account_id=account,
                    short_key=helper.key,
                    connection_id=scenario.CONNECTION,
                    name=f"Demo {helper.key}",
                    config=helper.config,
                ),
                created_by=scenario.USER,
                category=inventory()[helper.helper_type],
            )
        api_key = await ApiKeys(aws.dynamodb, settings.api_keys_table).create(account, scenario.USER, "demo")
    return Seeded(api_key, ids)


async def connect_sandbox(settings: FleetSettings, aws: AwsClients, *, account: str = scenario.ACCOUNT) -> None:
    """The rows of the account's connection to the sandbox."""
    rows: list[tuple[str, dict[str, Any]]] = [
        (
            settings.platforms_table,
            {"platform_id": "platform:sandbox", "slug": "sandbox", "name": "Sandbox", "api_config": {"base_url": ""}},
        ),
        (
            settings.connections_table,
            {
                "connection_id": scenario.CONNECTION,
                "account_id": account,
                "user_id": scenario.USER,
                "platform_id": "platform:sandbox",
                "auth_id": "auth:sandbox",
                "auth_type": "api_key",
                "status": "active",
                "name": "Sandbox CRM",
            },
        ),
        (
            settings.platform_connection_auths_table,
            {
                "auth_id": "auth:sandbox",
                "connection_id": scenario.CONNECTION,
                "account_id": account,
                "platform_id": "platform:sandbox",
                "auth_type": "api_key",
                "status": "active",
                "version": 0,
            },
        ),
    ]
    for table, row in rows:
        await aws.dynamodb.put_item(TableName=table, Item=item(row))
