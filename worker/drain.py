"""The end of a worker, in two bounded phases.

T1: no new receive, what has not started goes back at once, running helpers may finish, receives under way return.
In a hurry it ends at once: leases that nobody extends must not run out under the helpers.
T2: helpers that still run are cancelled and their attempts given back, deletes are flushed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from worker.consumer import Consumer
from worker.permits import Permits

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DrainDeadlines:
    """Loop time at which running helpers are cancelled, and at which the process ends whatever is left."""

    interrupt_at: float
    end_at: float

    @classmethod
    def starting(cls, now: float, running_seconds: float, flush_seconds: float) -> DrainDeadlines:
        """T1 and T2 from now."""
        return cls(now + running_seconds, now + running_seconds + flush_seconds)


class Drain:
    """Stops the consumers of a process. ``pollers`` and ``acknowledgers`` are their tasks; ``hurry`` ends T1."""

    def __init__(
        self,
        consumers: Sequence[Consumer],
        permits: Permits,
        pollers: Sequence[asyncio.Task[None]],
        acknowledgers: Sequence[asyncio.Task[None]],
        hurry: asyncio.Event,
    ) -> None:
        self._consumers = consumers
        self._permits = permits
        self._pollers = pollers
        self._acknowledgers = acknowledgers
        self._hurry = hurry

    async def run(self, running_seconds: float, flush_seconds: float) -> bool:
        """Drain; False when T2 ended before everything was given back or deleted."""
        now = asyncio.get_running_loop().time()
        deadlines = DrainDeadlines.starting(now, running_seconds, flush_seconds)
        log.info("drain_started", running=sum(len(consumer.groups) for consumer in self._consumers))
        self._permits.close()
        work = asyncio.create_task(self._finish_work(), name="drain: work")
        if not await self._let_finish(work, deadlines.interrupt_at):
            interrupted = [consumer for consumer in self._consumers if len(consumer.groups)]
            log.warning("drain_interrupts_helpers", groups=sum(len(consumer.groups) for consumer in interrupted))
            for consumer in interrupted:
                consumer.interrupt()
        end = deadlines.end_at
        # The deletes are flushed even when a helper or a receive holds out: half of what is left of T2 is theirs.
        rest = end - asyncio.get_running_loop().time()
        worked = work.done() or await _until(end - min(rest, flush_seconds) / 2, [work])
        for consumer in self._consumers:
            consumer.acknowledger.close()
        flushed = await _until(end, self._acknowledgers)
        if not worked:
            work.cancel()
            await asyncio.wait([work])
        complete = worked and flushed
        log.info("drain_ended", complete=complete, in_hand=sum(len(consumer.in_hand) for consumer in self._consumers))
        return complete

    async def _let_finish(self, work: asyncio.Task[None], deadline: float) -> bool:
        hurried = asyncio.create_task(self._hurry.wait(), name="drain: hurry")
        timeout = max(0.0, deadline - asyncio.get_running_loop().time())
        await asyncio.wait({work, hurried}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        return work.done()

    async def _finish_work(self) -> None:
        await asyncio.gather(*(consumer.stop_starting() for consumer in self._consumers))
        # Idle first and then the polls: what a late receive brings is released by the consumer, and awaited last.
        await asyncio.gather(*(consumer.wait_idle() for consumer in self._consumers))
        if self._pollers:
            await asyncio.wait(self._pollers)
        await asyncio.gather(*(consumer.wait_idle() for consumer in self._consumers))


async def _until(deadline: float, tasks: Iterable[asyncio.Task[None]]) -> bool:
    """Wait for the tasks without cancelling any; whether all ended before the deadline."""
    waited = list(tasks)
    if not waited:
        return True
    timeout = max(0.0, deadline - asyncio.get_running_loop().time())
    _, pending = await asyncio.wait(waited, timeout=timeout)
    return not pending
