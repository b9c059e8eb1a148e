"""One queue of the worker: its poller, groups, deletes and messages in hand, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from fleet.metrics import Metrics
from helpers.ports import Clock
from worker.acknowledger import Acknowledger
from worker.dead_letters import DeadLetters
from worker.groups import Groups
from worker.in_hand import InHand
from worker.message import Message
from worker.outcomes import Interruption
from worker.permits import Permits
from worker.poller import Poller
from worker.ports import Executions, Policy, Runner
from worker.processor import Processor
from worker.source_queue import BATCH, SourceQueue


class Consumer:
    """Consumes one helper type's queue. ``on_change`` is called whenever the number of groups at work changes."""

    def __init__(
        self,
        queue: SourceQueue,
        runner: Runner,
        executions: Executions,
        permits: Permits,
        metrics: Metrics,
        policy: Policy,
        *,
        worker_id: str,
        linger_seconds: float,
        pooled: bool,
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
        on_poll: Callable[[], None] = lambda: None,
        on_runaway: Callable[[BaseException], None] = lambda _exc: None,
    ) -> None:
        self.helper_type = queue.helper_type
        self._permits = permits
        self._on_change = on_change
        self._draining = False
        self._releases: set[asyncio.Task[None]] = set()
        self.in_hand = InHand(queue, metrics)
        self.acknowledger = Acknowledger(self.in_hand, metrics, linger_seconds=linger_seconds)
        self.processor = Processor(
            queue.helper_type,
            worker_id,
            executions,
            runner,
            self.acknowledger,
            DeadLetters(queue, metrics),
            metrics,
            policy,
            clock=clock,
            on_runaway=on_runaway,
        )
        self.groups = Groups(self.processor.process, self.in_hand, self._group_ended)
        self.poller = Poller(
            queue,
            permits,
            self._accept,
            metrics,
            # In a pool an idle queue asks for one message only: its own permit, so that idle polls leave the rest free.
            idle_want=1 if pooled else BATCH,
            max_pollers=max(1, permits.capacity // BATCH),
            on_poll=on_poll,
        )

    def _accept(self, messages: Sequence[Message]) -> int:
        if self._draining:
            # The receive was under way when the drain began; its messages go straight back.
            task = asyncio.create_task(self.in_hand.release(messages), name="release unwanted")
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)
            return 0
        started = self.groups.accept(messages)
        self._on_change()
        return started

    def _group_ended(self) -> None:
        self._permits.release(self.helper_type, 1)
        self._on_change()

    async def stop_starting(self) -> None:
        """Drain, first step: no new receive, and what has not started goes back at once."""
        self._draining = True
        self.poller.stop()
        await self.in_hand.release(self.groups.take_unstarted())

    async def wait_idle(self) -> None:
        """Wait until no group is at work and nothing is being given back."""
        await self.groups.wait_idle()
        while self._releases:
            await asyncio.wait(self._releases)

    def interrupt(self) -> None:
        """Drain, end of T1: cancel the helpers that still run; their attempts do not count."""
        for lane in self.groups.lanes:
            lane.interrupt(Interruption.SHUTDOWN)
