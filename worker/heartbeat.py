"""The heartbeat: keeps every message in hand invisible and every claim alive, and notices what was lost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.transition import TransitionRefused
from worker.in_hand import InHand, ceiling_room, stale
from worker.message import Message
from worker.outcomes import Interruption
from worker.source_queue import EntryFailure

log = structlog.get_logger(__name__)


class LeaseStore(Protocol):
    """The part of the execution store that keeps a claim alive."""

    def extend(self, held: Execution, lease_seconds: float) -> Awaitable[Execution]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What one beat does: ``extend`` the hiding, give up what is ``overdue`` or ``over_ceiling``."""

    extend: Sequence[Message]
    overdue: Sequence[Message]
    over_ceiling: Sequence[Message]


def plan(messages: Iterable[Message], now: float, visibility_seconds: float) -> Plan:
    """Extend what has at most five sixths of its time left; a younger message can wait for the next beat.

    Overdue is what earlier beats failed to extend and has less than a quarter left: its work must end before
    somebody else gets it. A message that cannot stay hidden for another third has reached twelve hours.
    """
    extend: list[Message] = []
    overdue: list[Message] = []
    over_ceiling: list[Message] = []
    for message in messages:
        left = message.safe_until - now
        if ceiling_room(message, now) < visibility_seconds / 3:
            over_ceiling.append(message)
        elif left < visibility_seconds / 4:
            overdue.append(message)
        elif left <= visibility_seconds * 5 / 6:
            extend.append(message)
    return Plan(extend, overdue, over_ceiling)


class Heartbeat:
    """One side task for all queues of the process, every visibility/3; after a failure three times as often.

    A call that takes longer than visibility/9 counts as failed, so that a hanging connection cannot hide that time
    runs out.
    """

    def __init__(
        self, members: Sequence[InHand], leases: LeaseStore, metrics: Metrics, *, visibility_seconds: int
    ) -> None:
        self._members = members
        self._leases = leases
        self._metrics = metrics
        self._visibility = visibility_seconds

    async def run(self) -> None:
        """Beat until cancelled."""
        interval = self._visibility / 3
        while True:
            await asyncio.sleep(interval)
            failures = await self.beat()
            interval = self._visibility / (9 if failures else 3)

    async def beat(self) -> int:
        """Extend what is due; returns how many extensions failed for a passing reason."""
        busy = [member for member in self._members if len(member)]
        return sum(await asyncio.gather(*(self._beat(member) for member in busy)))

    async def _beat(self, member: InHand) -> int:
        now = asyncio.get_running_loop().time()
        todo = plan(member, now, self._visibility)
        for message in todo.over_ceiling:
            self._lose(member, message, Interruption.CEILING)
        for message in todo.overdue:
            self._lose(member, message, Interruption.HANDLE_LOST)
        if not todo.extend:
            return 0
        claimed = [message for message in todo.extend if message.claim is not None]
        failures, leases = await asyncio.gather(
            self._hide(member, todo.extend, now), asyncio.gather(*(self._extend_lease(m) for m in claimed))
        )
        self._metrics.count("HeartbeatFailures", len(failures))
        for failure in failures:
            if failure.lost:
                self._lose(member, failure.message, Interruption.HANDLE_LOST)
        return sum(not failure.lost for failure in failures) + leases.count(False)

    async def _hide(self, member: InHand, messages: Sequence[Message], now: float) -> list[EntryFailure]:
        # Near the ceiling the same number of seconds must fit all entries of the batch.
        room = min(ceiling_room(message, now) for message in messages)
        seconds = max(1, min(self._visibility, math.floor(room)))
        try:
            async with asyncio.timeout(self._visibility / 9):
                failures = await member.queue.change_visibility(messages, seconds)
        except TimeoutError:
            return [EntryFailure(message, message.handle, "Timeout", lost=False) for message in messages]
        return [failure for failure in failures if not stale(failure)]

    async def _extend_lease(self, message: Message) -> bool:
        claim = message.claim
        if claim is None:
            return True
        sent_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._visibility / 9):
                await self._leases.extend(claim, self._visibility)
        except TransitionRefused as exc:
            # Settled while this call was under way: nothing was lost.
            if message.claim is claim and message.lane is not None:
                log.warning("lease_lost", execution_id=claim.execution_id, reason=exc.reason)
                message.lane.interrupt(Interruption.LEASE_LOST)
        except Exception:
            log.warning("lease_extension_failed", execution_id=claim.execution_id, exc_info=True)
            return False
        else:
            if message.claim is claim:
                message.lease_until = sent_at + self._visibility
        return True

    @staticmethod
    def _lose(member: InHand, message: Message, reason: Interruption) -> None:
        log.warning("message_lost", message_id=message.message_id, reason=reason, helper_type=member.queue.helper_type)
        lane = message.lane
        member.drop(message)
        if lane is not None:
            lane.interrupt(reason)
