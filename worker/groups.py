"""Message groups: one task for each, serial inside, in parallel with each other.

A later receive of a group that is being worked on waits behind it, in the order of arrival. A failed message takes
the rest of its group with it: all are released to the same moment, and the task ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from worker.in_hand import InHand
from worker.message import Message
from worker.outcomes import Interruption

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """The message is done; its delete is under way. The group goes on."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The message comes back after so many seconds, and the rest of the group with it."""

    after_seconds: int


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The message belongs to somebody else now; the rest of the group must not run here."""


Verdict = Settled | Postponed | Abandoned


class Lane:
    """The work on one message group: the message at work and those behind it, in the order of the group."""

    __slots__ = ("current", "group", "handler", "interruption", "waiting")

    def __init__(self, group: str) -> None:
        self.group = group
        self.waiting: deque[Message] = deque()
        self.current: Message | None = None
        self.handler: asyncio.Task[object] | None = None
        self.interruption: Interruption | None = None

    def interrupt(self, reason: Interruption) -> None:
        """Cut the work short. Only the helper is cancelled, never a write to the table or the queue."""
        if self.interruption is None:
            self.interruption = reason
        if self.handler is not None:
            self.handler.cancel()

    def adopt(self, message: Message) -> bool:
        """Whether this is another receive of a message that the lane has: then its handle is the valid one."""
        for known in (*((self.current,) if self.current else ()), *self.waiting):
            if known.message_id == message.message_id:
                known.adopt(message)
                return True
        return False


Process = Callable[[Message, Lane], Awaitable[Verdict]]


class Groups:
    """Splits receives by message group and runs the groups. ``on_end`` is called once for every group that ends."""

    def __init__(self, process: Process, in_hand: InHand, on_end: Callable[[], None]) -> None:
        self._process = process
        self._in_hand = in_hand
        self._on_end = on_end
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def lanes(self) -> Sequence[Lane]:
        """The groups being worked on."""
        return list(self._lanes.values())

    def accept(self, messages: Sequence[Message]) -> int:
        """Take over a receive; returns how many groups it starts."""
        started: list[Lane] = []
        for message in messages:
            lane = self._lanes.get(message.group)
            if lane is None:
                lane = self._lanes[message.group] = Lane(message.group)
                started.append(lane)
            elif lane not in started and lane.adopt(message):
                continue
            message.lane = lane
            lane.waiting.append(message)
            self._in_hand.add((message,))
        for lane in started:
            task = asyncio.create_task(self._run(lane), name="message group")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(started)

    def take_unstarted(self) -> list[Message]:
        """For the drain: everything that has not started, out of every lane; what runs goes on."""
        unstarted: list[Message] = []
        for lane in self._lanes.values():
            unstarted += lane.waiting
            lane.waiting.clear()
        return unstarted

    async def wait_idle(self) -> None:
        """Wait until no group is being worked on."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, lane: Lane) -> None:
        try:
            while lane.waiting:
                lane.current = lane.waiting.popleft()
                verdict = await self._verdict(lane.current, lane)
                message, lane.current = lane.current, None
                await self._obey(verdict, message, lane)
        finally:
            # No await between the last look at the lane and this: a receive meanwhile finds it or starts its own.
            del self._lanes[lane.group]
            self._on_end()

    async def _verdict(self, message: Message, lane: Lane) -> Verdict:
        try:
            return await self._process(message, lane)
        except Exception:
            # A defect of ours or an outage of the table: the message must come back, the worker must go on.
            log.exception("message_processing_failed", message_id=message.message_id, receives=message.receive_count)
            return Postponed(min(300, 2 ** min(message.receive_count, 8)))

    async def _obey(self, verdict: Verdict, message: Message, lane: Lane) -> None:
        match verdict:
            case Postponed(after_seconds):
                await self._release(lane, [message], after_seconds)
            case Abandoned():
                self._in_hand.drop(message)
                await self._release(lane, [], 0)
            case Settled() if lane.interruption is not None:
                await self._release(lane, [], 0)
            case Settled():
                return

    async def _release(self, lane: Lane, first: list[Message], after_seconds: int) -> None:
        """Let go of all that the lane has, later receives included: nothing behind a failed message may run."""
        batch = [*first, *lane.waiting]
        lane.waiting.clear()
        # What arrives while the release is under way was handed out by SQS after it, and may run.
        lane.interruption = None
        await self._in_hand.release(batch, after_seconds)
