"""Testing a connection: one cheap read, and its outcome as the connection's status."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fleet.connections import ConnectionStore
from fleet.connectors import Connectors
from fleet.operations import connections as operations
from fleet.operations.connections import check_connection, list_connections
from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.sandbox import SandboxConnector


class Crm(SandboxConnector):
    """Answers as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: CrmError | None = None
        self.hangs = False

    async def test_connection(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure


class World(ConnectionStore, Connectors):
    """One connection, in memory; notes what becomes of it."""

    def __init__(self) -> None:
        self.crm = Crm()
        self.working: list[str] = []
        self.refusals: list[CrmErrorCode] = []

    async def get(self, connection_id: str, account_id: str) -> CrmConnector:
        return self.crm

    async def refused(self, connection_id: str, error: CrmError) -> None:
        self.refusals.append(error.code)

    async def mark_working(self, connection_id: str) -> None:
        self.working.append(connection_id)

    async def list_connections(self, account_id: str) -> list[dict[str, Any]]:
        return [{"connection_id": "c1", "name": "CRM", "status": "active", "credentials_metadata": {"app_id": "s"}}]


async def test_a_connection_that_answers_is_active_again() -> None:
    """Whatever an earlier test had left."""
    world = World()

    checked = await check_connection(world, world, "c1", "a1")

    assert (checked["ok"], checked["platform_slug"], checked["connection_id"]) == (True, "sandbox", "c1")
    assert "contacts" in checked["capabilities"]
    assert (world.working, world.refusals) == (["c1"], [])


async def test_a_refusal_is_noted_and_passed_on() -> None:
    """The connectors decide whether it is the credentials."""
    world = World()
    world.crm.failure = CrmError(CrmErrorCode.FORBIDDEN, "no", platform="activecampaign", status_code=403)

    with pytest.raises(CrmError, match="no"):
        await check_connection(world, world, "c1", "a1")

    assert (world.working, world.refusals) == ([], [CrmErrorCode.FORBIDDEN])


async def test_a_silent_crm_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 s in all, not four tries of 30 s each."""
    assert operations.TEST_SECONDS == 15
    monkeypatch.setattr(operations, "TEST_SECONDS", 0.01)
    world = World()
    world.crm.hangs = True

    with pytest.raises(CrmError) as raised:
        await check_connection(world, world, "c1", "a1")

    assert (raised.value.code, raised.value.retryable, raised.value.platform) == ("NETWORK", True, "sandbox")
    assert (world.working, world.refusals) == ([], [])


async def test_a_list_shows_nothing_secret() -> None:
    """Named columns only."""
    assert await list_connections(World(), "a1") == [{"connection_id": "c1", "name": "CRM", "status": "active"}]
