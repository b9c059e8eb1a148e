"""Due executions become queued, in order of ``not_before``, by the one router that holds the scheduler's lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from fleet.clock import SystemClock, parse_instant
from fleet.envelope import message_group_id
from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.transition import TransitionRefused
from router.consumer import Outcome
from router.held_lease import HeldLease
from router.leases import LeaseLost
from router.settings import RouterSettings
from router.streams import AWS_ERRORS, error_code

log = structlog.get_logger(__name__)

DUE_LIMIT = 2000
# The index is eventually consistent: what was just queued may show up as due for a moment.
REMEMBER_SECONDS = 10.0


class FindsDue(Protocol):
    """The part of the execution index that the scheduler reads."""

    async def due(self, now: datetime, limit: int = 1000) -> Sequence[Execution]:
        """Scheduled executions whose not_before has come, in order of not_before."""
        ...


class QueuesDue(Protocol):
    """The part of the execution store that the scheduler writes."""

    async def queue_due(self, execution_id: str) -> Any:
        """scheduled → queued, conditionally: a second scheduler is refused. Raises TransitionRefused."""
        ...


class Scheduler:
    """Runs under the scheduler's lease. Without it nothing is written; the conditional write guards the rest."""

    def __init__(
        self,
        held: HeldLease,
        index: FindsDue,
        store: QueuesDue,
        settings: RouterSettings,
        metrics: Metrics,
        clock: SystemClock,
    ) -> None:
        self.held = held
        self._index = index
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._queued: dict[str, float] = {}
        self._looked_at = clock.monotonic()

    async def run(self, hand_over: asyncio.Event) -> Outcome:
        """Look for due executions until the lease goes."""
        work = asyncio.create_task(self._loop(), name="scheduler")
        ends = [asyncio.create_task(event.wait()) for event in (hand_over, self.held.lost)]
        try:
            await asyncio.wait({work, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            if self.held.lost.is_set():
                return Outcome.LOST
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self.held.release(None)
            return Outcome.HANDED_OVER
        except LeaseLost:
            return Outcome.LOST
        except AWS_ERRORS as exc:
            log.warning("release_failed", lease_key=self.held.key, code=error_code(exc))
            return Outcome.LOST
        finally:
            for task in (work, *ends):
                task.cancel()
            await asyncio.gather(work, *ends, return_exceptions=True)

    def stalled_seconds(self) -> float:
        """Time since the last look that succeeded."""
        return self._clock.monotonic() - self._looked_at

    async def _loop(self) -> None:
        while True:
            try:
                started = await self.run_once()
            except AWS_ERRORS as exc:
                log.warning("schedule_failed", code=error_code(exc))
                started = 0
            if started < DUE_LIMIT:
                await asyncio.sleep(self._settings.router_schedule_poll_seconds)

    async def run_once(self) -> int:
        """Queue what is due now, at most DUE_LIMIT; returns how many were tried. Order per message group is exact,
        groups run next to each other, all begin in order of not_before."""
        due = await self._index.due(self._clock.now(), DUE_LIMIT)
        now = self._looked_at = self._clock.monotonic()
        self._queued = {key: at for key, at in self._queued.items() if now - at < REMEMBER_SECONDS}
        slots = asyncio.Semaphore(self._settings.router_schedule_concurrency)
        last_of_group: dict[str, asyncio.Task[bool]] = {}
        started = 0
        async with asyncio.TaskGroup() as tasks:
            for execution in due:
                if execution.execution_id in self._queued:
                    continue
                await slots.acquire()
                if not self.held.valid:
                    break
                group = message_group_id(execution.model_dump(include={"execution_id", "account_id", "contact_id"}))
                started += 1
                last_of_group[group] = tasks.create_task(self._queue(execution, last_of_group.get(group), slots))
        return started

    async def _queue(self, execution: Execution, before: asyncio.Task[bool] | None, slots: asyncio.Semaphore) -> bool:
        """False when it, or one before it in its group, has to be tried again: then the group waits."""
        try:
            if before is not None and not await before:
                return False
            await self._store.queue_due(execution.execution_id)
        except TransitionRefused as exc:
            log.info("schedule_refused", execution_id=execution.execution_id, reason=exc.reason)
            return exc.reason != "not_due"
        except AWS_ERRORS as exc:
            log.warning("schedule_failed", execution_id=execution.execution_id, code=error_code(exc))
            return False
        finally:
            slots.release()
        self._queued[execution.execution_id] = self._clock.monotonic()
        self._metrics.count("ExecutionsDue")
        late = (self._clock.now() - parse_instant(execution.not_before)).total_seconds()
        self._metrics.observe("ScheduleLateness", late * 1000)
        return True
