"""Which third-party credentials an execution gets."""

from __future__ import annotations

from typing import Any, cast

import pytest

from fleet.connections import ConnectionStore, Credentials
from fleet.ports.service_auths import ConnectedServices
from helpers.ports import ServiceAuth


class Connections:
    """Every connection exists; its token is its id."""

    async def credentials(self, connection_id: str, account_id: str) -> Credentials:
        return Credentials(
            slug="", connection_id=connection_id, auth_id="a", auth_type="oauth2", base_url="", account_id=account_id,
            auth=ServiceAuth(access_token=connection_id), expires_at=None, settings={},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "token"),
    [
        ({}, "crm"),
        ({"service_connection_ids": {"keap": ""}}, "crm"),
        ({"service_connection_ids": None}, "crm"),
        ({"service_connection_ids": {"keap": "own"}}, "own"),
    ],
)
async def test_the_crm_connection_stands_in_for_a_service_that_is_not_chosen(
    config: dict[str, Any], token: str
) -> None:
    """order_it: a connection of its own wins over the one the execution runs with."""
    connections = cast("ConnectionStore", Connections())
    services = await ConnectedServices.load(connections, config, "acc", {"keap": "crm"})

    assert services.get("keap").access_token == token
    assert (await ConnectedServices.load(connections, {}, "acc")).get("keap") == ServiceAuth()
