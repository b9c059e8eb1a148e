"""Calls wait for the vendor's published limits (spec crm.md 2.3)."""

from __future__ import annotations

import pytest

from helpers.crm.dialect import Window
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.factory import ConnectorConfig, app_limiter, rate_limiter, rate_scope
from helpers.crm.rate_limit import AllOf, RateLimiter, SharedQuota
from helpers.testing.ports import FakeClock, RunState


class World:
    """A state store that counts its writes, and processes that share it."""

    def __init__(self) -> None:
        self.state = RunState()
        self.clock = self.state.clock
        self.writes = 0
        increment = self.state.increment

        async def counted(key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
            self.writes += 1
            return await increment(key, by, ttl_seconds=ttl_seconds)

        self.state.increment = counted  # type: ignore[method-assign] # counts

    def process(self, calls: int, seconds: float = 60.0) -> SharedQuota:
        return SharedQuota("keap", "q", Window(calls, seconds), self.state, self.clock)


async def test_every_window_is_kept() -> None:
    """The sixth call within a second waits, the seventh within a minute for the minute."""
    clock = FakeClock()
    limiter = RateLimiter((Window(5, 1.0), Window(6, 60.0)), clock)
    for _ in range(5):
        await limiter.acquire()
    assert clock.slept == []
    await limiter.acquire()
    await limiter.acquire()
    assert sum(clock.slept) == pytest.approx(60)


async def test_processes_share_one_quota() -> None:
    """Keap counts the calls of all customers of an OAuth client: 100 a minute are 100, whoever makes them."""
    world = World()
    processes = [world.process(100) for _ in range(5)]
    start = world.clock.now()

    made = 0
    while world.clock.now() == start:
        await processes[made % 5].acquire()
        made += 1

    # The last call is the first of the next minute; what a process reserved and did not need is lost to that minute.
    assert 60 <= made - 1 <= 100
    assert world.clock.now().second == 0


async def test_a_busy_process_writes_rarely() -> None:
    """Blocks double: 1, 2, 4, 8, 16, 32, 32."""
    world = World()
    process = world.process(1500)

    for _ in range(95):
        await process.acquire()

    assert world.writes == 7
    assert world.clock.slept == []


async def test_an_idle_process_keeps_nothing_from_the_others() -> None:
    """One call reserves one call."""
    world = World()

    for _ in range(50):
        await world.process(50).acquire()

    assert world.clock.slept == []


async def test_a_spent_day_is_handed_back_to_the_queue() -> None:
    """QUOTA_EXHAUSTED until 00:00 UTC, when the day's interval begins."""
    world = World()
    process = world.process(1, 86_400.0)
    await process.acquire()

    with pytest.raises(CrmError) as raised:
        await process.acquire()

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.QUOTA_EXHAUSTED, True)
    assert raised.value.retry_after == 14 * 3600  # it is 10:00


async def test_a_dead_state_store_stops_no_call() -> None:
    """The vendor's own 429 is still obeyed."""
    world = World()

    async def dead(key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        raise ConnectionError("throttled")

    world.state.increment = dead  # type: ignore[method-assign] # the outage
    process = world.process(1)
    for _ in range(10):
        await process.acquire()

    assert world.clock.slept == []


async def test_only_keap_has_a_limit_per_app() -> None:
    """1500 a minute and 150 000 a day over all customers."""
    world = World()

    assert app_limiter("hubspot", "id", world.state, world.clock) is None
    keap = app_limiter("keap", "id", world.state, world.clock)
    assert isinstance(keap, AllOf)
    await keap.acquire()
    assert world.writes == 2


async def test_an_oauth_application_of_keap_may_call_faster_than_a_personal_key() -> None:
    """Spike arrest 25 a second; a personal or service key 10 a second and 240 a minute."""
    for oauth, allowed in ((True, 25), (False, 10)):
        clock = FakeClock()
        limiter = rate_limiter("keap", clock, oauth=oauth)
        assert limiter is not None
        for _ in range(allowed):
            await limiter.acquire()
        assert clock.slept == []
        await limiter.acquire()
        assert clock.slept != []


def test_what_a_vendor_counts_by() -> None:
    """Its account; ActiveCampaign's is named by the URL and shared by every key of it."""
    typed = ConnectorConfig(connection_id="c1", base_url="https://acme.api-us1.com")
    assert rate_scope("activecampaign", typed) == "https://acme.api-us1.com"
    assert rate_scope("keap", ConnectorConfig(connection_id="c1", base_url="https://api.keap.com")) == "c1"
    assert rate_scope("gohighlevel", ConnectorConfig(connection_id="c1", account_id="loc")) == "loc"
