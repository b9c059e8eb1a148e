"""A worker process of test_oauth_processes: renews one connection over and over, and dies now and then.

Vendor, stored row and clock live in one SQLite file that the processes share.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
from datetime import UTC, datetime

import httpx

from helpers.crm.errors import CrmError
from helpers.crm.oauth import IssuedTokens, OAuthTokens, TokenRow
from helpers.ports import OAuthClient

SCHEMA = """
CREATE TABLE row (access TEXT, refresh TEXT, version INTEGER, owner TEXT, until REAL);
CREATE TABLE vendor (live TEXT, issued INTEGER);
CREATE TABLE clock (now REAL);
CREATE TABLE rounds (worker INTEGER, outcome TEXT);
INSERT INTO row VALUES ('access-0', 'refresh-0', 0, '', 0);
INSERT INTO vendor VALUES ('refresh-0', 0);
INSERT INTO clock VALUES (1768000000);
"""
CRASH_CHANCE = 0.05


class Shared:
    """The SQLite file: TokenStore, Clock and vendor in one."""

    def __init__(self, path: str, chance: random.Random) -> None:
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.chance = chance

    def one(self, sql: str, *parameters: object) -> tuple:
        return self.db.execute(sql, parameters).fetchone()

    def maybe_die(self) -> None:
        """As kill -9 would: nothing is cleaned up."""
        if self.chance.random() < CRASH_CHANCE:
            os._exit(9)

    # Clock ----------------------------------------------------------------------------------------------
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.one("SELECT now FROM clock")[0], UTC)

    async def sleep(self, seconds: float) -> None:
        self.db.execute("UPDATE clock SET now = now + ?", (seconds,))
        await asyncio.sleep(0.002)

    # TokenStore -----------------------------------------------------------------------------------------
    async def read(self) -> TokenRow:
        access, refresh, version, owner, until = self.one("SELECT * FROM row")
        return TokenRow(access, refresh, 0, version, owner, until)

    async def lease(self, refresh_token: str, *, owner: str, until: float, now: float) -> bool:
        self.maybe_die()
        changed = self.db.execute(
            "UPDATE row SET owner = ?, until = ? WHERE refresh = ? AND until < ?", (owner, until, refresh_token, now)
        ).rowcount
        return bool(changed)

    async def store(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        if self.chance.random() < 0.2:
            raise ConnectionError("throttled")
        changed = self.db.execute(
            "UPDATE row SET access = ?, refresh = ?, version = version + 1, owner = '', until = 0 "
            "WHERE refresh = ? AND version = ?",
            (issued.access_token, issued.refresh_token, spent.refresh_token, spent.version),
        ).rowcount
        return None if changed else await self.read()

    async def refuse(self, spent: TokenRow, *, owner: str, error: str) -> None:
        self.db.execute("UPDATE row SET owner = '', until = 0 WHERE owner = ?", (owner,))

    async def release(self, *, owner: str, error: str) -> None:
        self.db.execute("UPDATE row SET owner = '', until = 0 WHERE owner = ?", (owner,))


class Vendor(httpx.AsyncBaseTransport):
    """A token endpoint that accepts a refresh token once."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.shared.maybe_die()
        form = httpx.QueryParams((await request.aread()).decode())
        db = self.shared.db
        db.execute("BEGIN IMMEDIATE")
        live, issued = self.shared.one("SELECT * FROM vendor")
        accepted = form["refresh_token"] == live
        if accepted:
            db.execute("UPDATE vendor SET live = ?, issued = ?", (f"refresh-{issued + 1}", issued + 1))
        db.execute("COMMIT")
        await asyncio.sleep(0)
        if not accepted:
            return httpx.Response(400, json={"error": "invalid_grant"})
        answer = {"access_token": f"access-{issued + 1}", "refresh_token": f"refresh-{issued + 1}", "expires_in": 0}
        return httpx.Response(200, json=answer)


async def work(path: str, worker: int, seed: int, wanted: int) -> None:
    """Renew until the processes have done ``wanted`` rounds together."""
    shared = Shared(path, random.Random(seed))
    async with httpx.AsyncClient(transport=Vendor(shared)) as http:
        while shared.one("SELECT count(*) FROM rounds")[0] < wanted:
            tokens = OAuthTokens("keap", shared, OAuthClient(client_id="i", client_secret="s"), http, shared)
            task = asyncio.create_task(tokens.renewed(shared.one("SELECT access FROM row")[0]))
            if shared.chance.random() < 0.2:
                await asyncio.sleep(0)
                task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, BaseException) and not isinstance(outcome, CrmError | asyncio.CancelledError):
                raise outcome
            shared.db.execute("INSERT INTO rounds VALUES (?, ?)", (worker, type(outcome).__name__))


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], *map(int, sys.argv[2:])))
