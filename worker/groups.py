"""Message groups: one task per group, serial inside, any number in parallel."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from fleet.metrics import Metrics
from worker.acknowledger import Acknowledger
from worker.hand import Hand
from worker.outcomes import Duplicate, Failed, Interrupted, Outcome, RetryLater, Succeeded
from worker.sqs import Message, SqsClient
from worker.visibility import change_visibility

log = structlog.get_logger(__name__)

Handler = Callable[[Message], Awaitable[Outcome]]
GroupKey = tuple[str, str]


class Groups:
    """Runs the handler over messages, one after the other inside a group.

    A later receive of a group joins the queue of its running task, so it never overtakes. When a message has to wait,
    the rest of its group is released to the same moment in one batch call: no group waits for a whole visibility
    timeout. ``on_idle`` is called with the queue URL when a group's task ends.
    """

    def __init__(
        self,
        client: SqsClient,
        hand: Hand,
        acknowledger: Acknowledger,
        handler: Handler,
        *,
        on_idle: Callable[[str], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._hand = hand
        self._acknowledger = acknowledger
        self._handler = handler
        self._on_idle = on_idle
        self._metrics = metrics
        self._queues: dict[GroupKey, deque[Message]] = {}
        self._tasks: dict[GroupKey, asyncio.Task[None]] = {}
        self._handling: dict[GroupKey, asyncio.Task[Outcome]] = {}
        self._draining = False

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def keys(self) -> set[GroupKey]:
        """The groups that are worked on."""
        return set(self._tasks)

    def start(self, messages: Sequence[Message]) -> int:
        """Hand received messages to their groups, in their order. Returns how many group tasks were started."""
        started = 0
        for message in messages:
            self._hand.take(message)
            queue = self._queues.get(message.group_key)
            if queue is not None:
                queue.append(message)
                continue
            self._queues[message.group_key] = deque([message])
            started += 1
            task = asyncio.create_task(self._run(message.group_key), name=f"group {message.group_id}")
            self._tasks[message.group_key] = task
        return started

    def drain(self) -> None:
        """Start no further message; what runs may end."""
        self._draining = True

    def interrupt(self) -> None:
        """Cancel what runs; its attempts are given back and its messages released."""
        self._draining = True
        for task in list(self._handling.values()):
            task.cancel("shutdown")

    async def wait_idle(self) -> None:
        """Wait until no group is worked on."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def release(self, messages: Sequence[Message], after_seconds: float) -> None:
        """Make the messages visible again, all at the same moment."""
        kept = [message for message in messages if not message.lost]
        if not kept:
            return
        failures = await change_visibility(self._client, kept, math.ceil(after_seconds))
        for failure in failures:
            # It becomes visible by itself when its present visibility ends; nothing is lost but time.
            log.warning("release_failed", message_id=failure.message.message_id, code=failure.code)
        self._metrics.count("MessagesReleased", len(kept) - len(failures))
        for message in kept:
            self._hand.drop(message)

    async def _run(self, key: GroupKey) -> None:
        queue = self._queues[key]
        try:
            while queue:
                if self._draining:
                    await self._release_rest(queue, 0)
                    return
                message = queue[0]
                if message.lost:
                    # Its successors may be with another worker as well: order demands to let go of all of them.
                    queue.popleft()
                    await self._release_rest(queue, 0)
                    return
                outcome = await self._handle(key, message)
                match outcome:
                    case Succeeded() | Failed() | Duplicate():
                        queue.popleft()
                        await self._acknowledger.acknowledge(message)
                    case RetryLater(after_seconds=after):
                        self._metrics.observe("BlockedGroupTime", after, unit="Seconds")
                        await self._release_rest(queue, after)
                        return
                    case Interrupted():
                        await self._release_rest(queue, 0)
                        return
        finally:
            del self._queues[key]
            del self._tasks[key]
            await self._on_idle(key[0])

    async def _release_rest(self, queue: deque[Message], after_seconds: float) -> None:
        """Release all that is queued; a receive that joins meanwhile is released too."""
        while queue:
            rest = list(queue)
            queue.clear()
            await self.release(rest, after_seconds)

    async def _handle(self, key: GroupKey, message: Message) -> Outcome:
        task = asyncio.ensure_future(self._handler(message))
        task.set_name(f"handler {message.group_id}")
        self._handling[key] = task
        self._hand.watch(message, lambda reason: task.cancel(f"lost: {reason}"))
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() or task.done():
                return Interrupted()
            task.cancel()
            raise
        except Exception as exc:
            # The handler turns every failure into an outcome; what still escapes is a fault of ours or of AWS.
            log.exception("handler_failed", message_id=message.message_id)
            return RetryLater(10.0, repr(exc))
        finally:
            del self._handling[key]
            self._hand.unwatch(message)
