"""The heartbeat: keeps every message in hand invisible and every claim alive, and notices what was lost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from fleet.execution import Execution, TransitionRefused
from fleet.metrics import Metrics
from worker.in_hand import InHand, ceiling_room, stale
from worker.message import Message
from worker.outcomes import Interruption

log = structlog.get_logger(__name__)


class LeaseStore(Protocol):
    """The part of the execution store that keeps a claim alive."""

    def extend(self, held: Execution, lease_seconds: float) -> Awaitable[Execution]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What one beat does: hide ``extend`` again, cut short what is ``over_ceiling``."""

    extend: Sequence[Message]
    over_ceiling: Sequence[Message]


def plan(messages: Iterable[Message], now: float, visibility_seconds: float) -> Plan:
    """Extend what has less than two thirds of its visibility left; a younger message can wait for the next beat.

    A message that cannot stay hidden for another third has reached the twelve hours after its receive.
    """
    extend: list[Message] = []
    over: list[Message] = []
    for message in messages:
        if ceiling_room(message, now) < visibility_seconds / 3:
            over.append(message)
        elif message.visible_until - now <= visibility_seconds * 2 / 3 + 0.001:
            extend.append(message)
    return Plan(extend, over)


class Heartbeat:
    """One side task for all queues of the process, every visibility/3; after a failure three times as often."""

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
            self._lose(message, Interruption.CEILING)
        if not todo.extend:
            return 0
        # Near the ceiling the same number of seconds must fit all entries of the batch.
        room = min(ceiling_room(message, now) for message in todo.extend)
        seconds = max(1, min(self._visibility, math.floor(room)))
        claimed = [message for message in todo.extend if message.claim is not None]
        failures, _ = await asyncio.gather(
            member.queue.change_visibility(todo.extend, seconds),
            asyncio.gather(*(self._extend_lease(message) for message in claimed)),
        )
        passing = 0
        for failure in failures:
            if stale(failure):
                continue
            self._metrics.count("HeartbeatFailures")
            if failure.lost or failure.message.visible_until <= asyncio.get_running_loop().time():
                log.warning(
                    "receipt_handle_lost",
                    message_id=failure.message.message_id,
                    helper_type=member.queue.helper_type,
                    code=failure.code,
                )
                member.drop(failure.message)
                self._lose(failure.message, Interruption.HANDLE_LOST)
            else:
                passing += 1
        return passing

    async def _extend_lease(self, message: Message) -> None:
        claim = message.claim
        if claim is None:
            return
        try:
            await self._leases.extend(claim, self._visibility)
        except TransitionRefused as exc:
            # Settled while this call was under way: nothing was lost.
            if message.claim is claim:
                log.warning("lease_lost", execution_id=claim.execution_id, reason=exc.reason)
                self._lose(message, Interruption.LEASE_LOST)
        except Exception:
            self._metrics.count("HeartbeatFailures")
            log.warning("lease_extension_failed", execution_id=claim.execution_id, exc_info=True)

    @staticmethod
    def _lose(message: Message, reason: Interruption) -> None:
        if message.lane is not None:
            message.lane.interrupt(reason)
