"""Takes, renews, asks for, hands over and loses leases, and runs a consumer for each one held."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from fleet.clock import SystemClock
from fleet.metrics import Metrics
from router.assignment import LeaseObserver, Plan, plan
from router.backoff import spread
from router.consumer import Outcome
from router.held_lease import HeldLease
from router.leases import SCHEDULER_KEY, Lease, LeaseConflict, LeaseLost, LeaseTable
from router.settings import RouterSettings
from router.streams import AWS_ERRORS, error_code
from router.uninterrupted import uninterrupted

log = structlog.get_logger(__name__)

# A consumer that crashed gives its lease up; this router leaves it to others for so many failover times.
CRASH_REST = 2.0


class RunsUnderLease(Protocol):
    """What a held lease entitles to: reading a shard, or scheduling."""

    async def run(self, hand_over: asyncio.Event) -> Outcome:
        """Work until it ends, ``hand_over`` is set or the lease is lost."""
        ...

    def stalled_seconds(self) -> float:
        """How long it has not moved although there is work."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """A held lease and what runs under it."""

    held: HeldLease
    consumer: RunsUnderLease
    task: asyncio.Task[None]


StartConsumer = Callable[[HeldLease], RunsUnderLease]


class LeaseCoordinator:
    """One router's share of the leases. ``owner`` is unique for every start of a process."""

    def __init__(
        self,
        table: LeaseTable,
        owner: str,
        start_consumer: StartConsumer,
        settings: RouterSettings,
        metrics: Metrics,
        clock: SystemClock,
    ) -> None:
        self.owner = owner
        self.holdings: dict[str, Holding] = {}
        self.scanned_at = clock.monotonic()
        self._table = table
        self._start_consumer = start_consumer
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._observer = LeaseObserver(settings.router_failover_seconds)
        self._hand_over = asyncio.Event()
        self._look = asyncio.Event()
        self._asked: dict[str, float] = {}
        self._resting: dict[str, float] = {}

    # loops ----------------------------------------------------------------------------------------------
    async def assign(self) -> None:
        """Look at the table again and again and act on it. Ends by cancellation."""
        while True:
            self._look.clear()
            try:
                await self.assign_once()
            except AWS_ERRORS as exc:
                log.warning("lease_scan_failed", code=error_code(exc))
            # While a lease is promised to us every moment of waiting is a moment nobody reads the shard.
            period = self._settings.router_lease_scan_seconds / (4 if self._asked else 1)
            try:
                async with asyncio.timeout(spread(period)):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def renew(self) -> None:
        """Renew whatever was not written for failover/3. Ends by cancellation."""
        period = self._settings.renew_seconds
        while True:
            due = [holding for holding in self.holdings.values() if holding.held.age_seconds() >= period * 0.9]
            await asyncio.gather(*map(self._renew, due))
            await asyncio.sleep(period / 4)

    def look(self) -> None:
        """Something changed: look at the table now."""
        self._look.set()

    async def stop(self) -> None:
        """Hand every lease over: drain, checkpoint and release, all at once. :meth:`assign` must have ended."""
        self._hand_over.set()
        tasks = [holding.task for holding in self.holdings.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    # one look -------------------------------------------------------------------------------------------
    async def assign_once(self) -> None:
        """Scan, decide, act."""
        now = self._clock.monotonic()
        leases = await self._table.scan()
        self.scanned_at = self._clock.monotonic()
        self._observer.observe(leases, self.scanned_at)
        self._forget_asked(leases)
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        usable = [lease for lease in leases if lease.key not in self._resting or lease.owner not in {None, self.owner}]
        decision = plan(
            usable,
            self.owner,
            self._observer,
            now,
            held=self.holdings.keys(),
            asked=self._asked,
            shuffle=random.shuffle,
        )
        for lease in (*decision.take, *self._overdue_asked(leases, now)):
            await self._take(lease)
        await self._ask(decision)
        await self._run_for_scheduler(leases, now)

    def _forget_asked(self, leases: Sequence[Lease]) -> None:
        by_key = {lease.key: lease for lease in leases}
        for key in list(self._asked):
            lease = by_key.get(key)
            if lease is None or lease.successor != self.owner or lease.ended:
                del self._asked[key]

    def _overdue_asked(self, leases: Sequence[Lease], now: float) -> list[Lease]:
        return [
            lease
            for lease in leases
            if lease.owner is not None
            and now - self._asked.get(lease.key, now) >= self._settings.router_failover_seconds
        ]

    async def _take(self, lease: Lease) -> None:
        if lease.key in self.holdings:
            return
        # Cut off half-way it would own a lease that nobody reads under until the failover time is over.
        await uninterrupted(self._take_now(lease))

    async def _take_now(self, lease: Lease) -> None:
        started = self._clock.monotonic()
        taken = lease.taken_by(self.owner)
        try:
            await self._table.swap(lease, taken)
        except LeaseConflict as exc:
            log.info("lease_take_refused", lease_key=lease.key, owner=exc.current.owner if exc.current else None)
            return
        self._asked.pop(lease.key, None)
        event = "lease_taken" if lease.owner is None else "lease_taken_over"
        log.info(event, lease_key=lease.key, checkpoint=lease.checkpoint, from_owner=lease.owner, owner=self.owner)
        self._metrics.count("LeasesTaken")
        if taken.owner_switches:
            self._metrics.count("OwnerSwitches")
        failover = self._settings.router_failover_seconds
        self._hold(HeldLease(self._table, taken, failover, self._clock, written_at=started))

    async def _ask(self, decision: Plan) -> None:
        lease = decision.ask
        if lease is None:
            return
        try:
            await self._table.swap(lease, lease.wanted_by(self.owner))
        except LeaseConflict:
            log.info("lease_request_refused", lease_key=lease.key)
            return
        self._asked[lease.key] = self._clock.monotonic()
        log.info("lease_requested", lease_key=lease.key, from_owner=lease.owner, owner=self.owner)

    async def _run_for_scheduler(self, leases: Sequence[Lease], now: float) -> None:
        current = next((lease for lease in leases if lease.key == SCHEDULER_KEY), None)
        if current is None:
            await self._table.create(Lease(key=SCHEDULER_KEY))
            self._look.set()
        elif current.owner in {None, self.owner} or self._observer.expired(current, now):
            await self._take(current)

    # holdings -------------------------------------------------------------------------------------------
    def _hold(self, held: HeldLease) -> None:
        consumer = self._start_consumer(held)
        task = asyncio.create_task(self._consume(held, consumer), name=f"consume {held.key}")
        self.holdings[held.key] = Holding(held, consumer, task)

    async def _consume(self, held: HeldLease, consumer: RunsUnderLease) -> None:
        try:
            outcome = await consumer.run(self._hand_over)
            log.info(outcome.value, lease_key=held.key, checkpoint=held.lease.checkpoint, owner=self.owner)
            self._metrics.count("LeasesGivenUp", Outcome=outcome.value)
        except Exception:
            # A bug in one shard's consumer must not stop the others: give the lease to somebody else. The owner
            # switches that this causes without a checkpoint are the alarm for a shard that kills its readers.
            log.exception("consumer_crashed", lease_key=held.key)
            self._metrics.count("ConsumersCrashed")
            self._resting[held.key] = self._clock.monotonic() + CRASH_REST * self._settings.router_failover_seconds
            await self._give_up(held)
        finally:
            held.abandon()
            self.holdings.pop(held.key, None)
            # The children of an ended shard are readable now: no waiting for the next look.
            self._look.set()

    async def _give_up(self, held: HeldLease) -> None:
        try:
            await held.release(None)
        except (LeaseLost, *AWS_ERRORS) as exc:
            log.info("lease_not_released", lease_key=held.key, reason=str(exc))

    async def _renew(self, holding: Holding) -> None:
        held = holding.held
        try:
            # One call that hangs must not keep the other leases from being renewed.
            async with asyncio.timeout(self._settings.renew_seconds):
                await held.renew()
        except LeaseLost:
            log.warning("lease_lost", lease_key=held.key, owner=self.owner)
        except AWS_ERRORS as exc:
            log.warning("lease_renewal_failed", lease_key=held.key, code=error_code(exc))
            if not held.valid:
                # By now another router may own it; the write that would tell did not come through.
                held.abandon()
