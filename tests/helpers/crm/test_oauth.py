"""A rotated refresh token is never lost (spec crm.md section 6.3)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.oauth import IssuedTokens, OAuthTokens, TokenRefused, TokenRow
from helpers.errors import TargetRefused
from helpers.ports import OAuthClient
from helpers.services.redaction import redact


class SharedClock:
    """Sleeping lets others run and moves the clock."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 15, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class RotatingVendor(httpx.AsyncBaseTransport):
    """A token endpoint whose refresh tokens may be spent once."""

    def __init__(self) -> None:
        self.live = "refresh-0"
        self.issued = 0
        self.calls: list[httpx.Request] = []
        self.called = asyncio.Event()
        self.trouble: list[httpx.Response | Exception] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.calls.append(request)
        self.called.set()
        await asyncio.sleep(0)
        if self.trouble:
            trouble = self.trouble.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        form = httpx.QueryParams(request.content.decode())
        if form["refresh_token"] != self.live:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": form["refresh_token"]})
        self.issued += 1
        self.live = f"refresh-{self.issued}"
        answer = {"access_token": f"access-{self.issued}", "refresh_token": self.live, "expires_in": 1800}
        return httpx.Response(200, json=answer)


class MemoryStore:
    """The row of one connection, with the conditions of the port."""

    def __init__(self, row: TokenRow | None = None) -> None:
        self.row = row or TokenRow("access-0", "refresh-0", version=1)
        self.refused = ""
        self.released = ""
        self.failing_writes = 0

    async def read(self) -> TokenRow:
        await asyncio.sleep(0)
        return self.row

    async def lease(self, refresh_token: str, *, owner: str, until: float, now: float) -> bool:
        await asyncio.sleep(0)
        if self.row.refresh_token != refresh_token or self.row.lease_until >= now:
            return False
        self.row = replace(self.row, lease_owner=owner, lease_until=until)
        return True

    async def store(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        await asyncio.sleep(0)
        if self.failing_writes:
            self.failing_writes -= 1
            raise ConnectionError("throttled")
        if (self.row.refresh_token, self.row.version) != (spent.refresh_token, spent.version):
            return self.row
        self.row = TokenRow(issued.access_token, issued.refresh_token, issued.expires_at, spent.version + 1)
        return None

    async def refuse(self, spent: TokenRow, *, owner: str, error: str) -> None:
        self.refused = error

    async def release(self, *, owner: str, error: str) -> None:
        self.released = error
        self.row = replace(self.row, lease_owner="", lease_until=0)


class World:
    """One vendor, one stored row, any number of workers."""

    def __init__(self, row: TokenRow | None = None) -> None:
        self.vendor, self.store, self.clock = RotatingVendor(), MemoryStore(row), SharedClock()

    def worker(self, **options: Any) -> OAuthTokens:
        http = httpx.AsyncClient(transport=self.vendor)
        client = OAuthClient(client_id="id", client_secret="secret")
        return OAuthTokens("keap", self.store, client, http, self.clock, **options)


async def test_a_good_token_is_used_without_a_renewal() -> None:
    """Unknown expiry means: use it until the vendor answers 401."""
    world = World()

    assert await world.worker().current() == "access-0"
    assert world.vendor.calls == []


async def test_a_token_that_is_about_to_run_out_is_renewed_ahead() -> None:
    """Five minutes early; the stored row has the new pair before it is used."""
    world = World()
    world.store.row = replace(world.store.row, expires_at=world.clock.now().timestamp() + 200)

    assert await world.worker().current() == "access-1"
    assert (world.store.row.access_token, world.store.row.refresh_token) == ("access-1", "refresh-1")
    assert world.store.row.expires_at == world.clock.now().timestamp() + 1800


async def test_keap_gets_the_client_as_basic_auth() -> None:
    """Section 6.1: the form holds the grant only."""
    world = World()
    await world.worker().renewed("access-0")

    (request,) = world.vendor.calls
    assert request.headers["authorization"] == "Basic aWQ6c2VjcmV0"
    assert dict(httpx.QueryParams(request.content.decode())) == {
        "grant_type": "refresh_token", "refresh_token": "refresh-0"
    }  # fmt: skip


async def test_a_burst_of_401s_costs_one_renewal() -> None:
    """In one process and between processes."""
    world = World()
    workers = [world.worker(), world.worker()]

    tokens = await asyncio.gather(*(worker.renewed("access-0") for worker in workers for _ in range(10)))

    assert set(tokens) == {"access-1"}
    assert len(world.vendor.calls) == 1


async def test_a_dead_refresh_token_is_final_and_never_quoted() -> None:
    """The connection is marked; the vendor's description may echo the token and stays out of the error."""
    world = World(TokenRow("access-0", "refresh-stale"))

    with pytest.raises(TokenRefused) as raised:
        await world.worker().renewed("access-0")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.AUTH_EXPIRED, False)
    assert "refresh-stale" not in str(raised.value)
    assert world.store.refused == "invalid_grant"


async def test_a_reconnect_in_the_meantime_wins() -> None:
    """The refused token was replaced while it was spent: the stored one is used."""
    world = World(TokenRow("access-0", "refresh-stale"))
    read, reads = world.store.read, []

    async def read_with_reconnect() -> TokenRow:
        reads.append(1)
        if len(reads) == 3:
            world.store.row = TokenRow("access-new", "refresh-new", version=9)
        return await read()

    world.store.read = read_with_reconnect  # type: ignore[method-assign] # forces the interleaving

    assert await world.worker().renewed("access-0") == "access-new"
    assert world.store.refused == ""


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ReadTimeout("slow"), httpx.DecodingError("bad gzip"), httpx.Response(503),
        httpx.Response(200, html="<h1>maintenance</h1>"), httpx.Response(200, json={"token_type": "bearer"}),
    ],
)  # fmt: skip
async def test_a_lost_answer_is_asked_for_once_more(trouble: httpx.Response | Exception) -> None:
    """The same token is spent a second time; two losses end the lease and are retryable."""
    world = World()
    world.vendor.trouble = [trouble]
    assert await world.worker().renewed("access-0") == "access-1"

    world.vendor.trouble = [httpx.Response(503), httpx.Response(503)]
    with pytest.raises(CrmError) as raised:
        await world.worker().renewed("access-1")
    assert raised.value.retryable
    assert world.store.released == "HTTP 503"


async def test_a_wrong_client_secret_does_not_kill_the_account() -> None:
    """invalid_client is the operator's to repair."""
    world = World()
    world.vendor.trouble = [httpx.Response(401, json={"error": "invalid_client"})] * 2

    with pytest.raises(CrmError) as raised:
        await world.worker().renewed("access-0")

    assert raised.value.retryable
    assert world.store.refused == ""


async def test_a_client_secret_that_was_replaced_is_read_anew() -> None:
    """Section 6.2: the second try has the new one."""
    world = World()
    world.vendor.trouble = [httpx.Response(401, json={"error": "invalid_client"})]

    async def reload() -> OAuthClient:
        return OAuthClient(client_id="id", client_secret="new")

    assert await world.worker(reload_client=reload).renewed("access-0") == "access-1"
    assert [request.headers["authorization"] for request in world.vendor.calls] == [
        "Basic aWQ6c2VjcmV0", "Basic aWQ6bmV3"
    ]  # fmt: skip


async def test_a_client_that_cannot_be_read_anew_does_not_keep_the_lease() -> None:
    """Others may try at once, and the error says what the vendor said."""
    world = World()
    world.vendor.trouble = [httpx.Response(401, json={"error": "invalid_client"})] * 2

    async def reload() -> OAuthClient:
        raise OSError("the parameter store does not answer")

    with pytest.raises(CrmError, match="invalid_client") as raised:
        await world.worker(reload_client=reload).renewed("access-0")

    assert raised.value.retryable
    assert world.store.released == "invalid_client"
    assert world.store.row.lease_owner == ""


async def test_a_reconnect_between_two_tries_is_not_spent() -> None:
    """The row is read again before the token is sent a second time."""
    world = World()
    world.vendor.trouble = [httpx.ReadTimeout("slow")]
    sleep = world.clock.sleep

    async def sleep_with_reconnect(seconds: float) -> None:
        world.store.row = TokenRow("access-new", "refresh-new", version=9)
        await sleep(seconds)

    world.clock.sleep = sleep_with_reconnect  # type: ignore[method-assign] # forces the interleaving

    assert await world.worker().renewed("access-0") == "access-new"
    assert len(world.vendor.calls) == 1


async def test_a_worker_that_dies_with_the_answer_in_hand_costs_a_reconnect_and_no_more() -> None:
    """The vendor has rotated, nobody knows the new token: the next one says so instead of trying for ever."""
    world = World()
    world.store.row = replace(world.store.row, lease_owner="dead", lease_until=world.clock.now().timestamp() + 60)
    world.vendor.live = "refresh-known-to-the-dead"

    with pytest.raises(TokenRefused) as raised:
        await world.worker().renewed("access-0")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.AUTH_EXPIRED, False)
    assert world.store.refused == "invalid_grant"


async def test_a_row_that_was_deleted_ends_the_renewal() -> None:
    """There is nothing left to store into."""
    world = World()

    async def gone(spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        raise CrmError(CrmErrorCode.AUTH_NOT_FOUND, "gone", platform="connection", status_code=404)

    world.store.store = gone  # type: ignore[method-assign] # deleted meanwhile

    with pytest.raises(CrmError) as raised:
        await world.worker().renewed("access-0")
    assert raised.value.code is CrmErrorCode.AUTH_NOT_FOUND


async def test_waiting_for_another_worker_ends_with_its_caller() -> None:
    """Only what must not be lost is protected from cancellation."""
    world = World()
    world.store.row = replace(world.store.row, lease_owner="other", lease_until=world.clock.now().timestamp() + 60)
    waiting = asyncio.Event()

    async def sleep_for_ever(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    world.clock.sleep = sleep_for_ever  # type: ignore[method-assign] # the other one takes its time
    task = asyncio.create_task(world.worker().renewed("access-0"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.vendor.calls == []


async def test_the_answer_is_written_until_it_lands_even_when_the_caller_is_cancelled() -> None:
    """Between answer and write the token exists in this process only."""
    world = World()
    world.store.failing_writes = 5
    task = asyncio.create_task(world.worker().renewed("access-0"))
    await world.vendor.called.wait()

    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert world.store.row.refresh_token == world.vendor.live == "refresh-1"


async def test_a_lease_of_a_dead_worker_is_waited_out() -> None:
    """The next one renews when it has run out."""
    world = World()
    world.store.row = replace(world.store.row, lease_owner="dead", lease_until=world.clock.now().timestamp() + 60)

    assert await world.worker().renewed("access-0") == "access-1"


async def test_two_workers_renew_200_times_and_the_stored_token_is_always_the_newest() -> None:
    """With lost answers, failing writes and workers that are cancelled at random moments."""
    world = World()
    chance = random.Random(7)
    for _ in range(200):
        before = world.store.row.access_token
        world.store.failing_writes = chance.choice([0, 0, 1, 3])
        world.vendor.trouble = [httpx.ReadTimeout("slow")] if chance.random() < 0.2 else []
        tasks = [asyncio.create_task(world.worker().renewed(before)) for _ in range(2)]
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        assert world.store.row.refresh_token == world.vendor.live
        assert world.store.row.access_token != before


def test_tokens_are_in_no_repr() -> None:
    """Rows and answers hide what they hold."""
    shown = (
        repr(TokenRow("tok-a", "tok-r"))
        + repr(IssuedTokens("tok-a", "tok-r"))
        + repr(OAuthClient(client_id="i", client_secret="tok-s"))
    )

    assert "tok-" not in shown
    assert redact("x tok-a", ["tok-a"]) == "x ***"


async def test_a_token_endpoint_that_resolves_to_a_private_address_is_an_outage() -> None:
    """The lease is ended and the account lives: the name may lead elsewhere a minute later."""
    world = World()
    world.vendor.trouble = [TargetRefused("10.0.0.1 is not a public address")] * 2

    with pytest.raises(CrmError) as raised:
        await world.worker().renewed("access-0")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, True)
    assert (world.store.released, world.store.refused, world.store.row.lease_owner) == ("TargetRefused", "", "")
