"""The state of one SQS FIFO queue, as AWS documents it. Time is an argument: nothing here waits."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.testing.queues.message import Group, StoredMessage
from helpers.errors import MyFusionError

DEDUPLICATION_SECONDS = 300
VISIBILITY_CEILING_SECONDS = 43_200
IN_FLIGHT_LIMIT = 120_000


class QueueRefused(MyFusionError):
    """The queue refuses a request or an entry; ``code`` is the one SQS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """What CreateQueue sets."""

    visibility_seconds: float = 30
    content_based_deduplication: bool = False
    deduplication_per_group: bool = False
    max_receive_count: int | None = None
    in_flight_limit: int = IN_FLIGHT_LIMIT


class FifoQueue:
    """Groups, deduplication, visibility, receive counts and redrive of one queue."""

    def __init__(self, name: str, attributes: QueueAttributes, *, dead_letters: FifoQueue | None = None) -> None:
        self.name = name
        self.arn = f"arn:aws:sqs:us-west-2:000000000000:{name}"
        self.attributes = attributes
        self.dead_letters = dead_letters
        self._groups: OrderedDict[str, Group] = OrderedDict()
        self._by_id: dict[str, StoredMessage] = {}
        self._sequence = itertools.count(1)
        self._pushes = itertools.count()
        self._seen: dict[tuple[str, str], tuple[float, StoredMessage]] = {}
        self._expiries: list[tuple[float, int, StoredMessage]] = []
        self._in_flight: dict[int, StoredMessage] = {}
        self._attempts: dict[str, tuple[float, list[StoredMessage]]] = {}

    # sending --------------------------------------------------------------------------------------------
    def send(
        self,
        body: str,
        group: str,
        deduplication_id: str | None,
        now: float,
        attributes: Mapping[str, Any] | None = None,
    ) -> StoredMessage:
        """Append to the group, or answer with the message that was sent under this id within five minutes."""
        if not group:
            raise QueueRefused("MissingParameter", "The request must contain the parameter MessageGroupId.")
        if any(ord(char) < 0x20 and char not in "\t\n\r" for char in body):
            raise QueueRefused("InvalidMessageContents", "Invalid characters found in the message body.")
        if deduplication_id is None:
            if not self.attributes.content_based_deduplication:
                raise QueueRefused("InvalidParameterValue", "The queue needs a MessageDeduplicationId.")
            deduplication_id = hashlib.sha256(body.encode()).hexdigest()
        scope = group if self.attributes.deduplication_per_group else ""
        known = self._seen.get((scope, deduplication_id))
        if known is not None and now - known[0] < DEDUPLICATION_SECONDS:
            return known[1]
        message = StoredMessage(
            message_id=str(uuid.uuid4()),
            sequence=next(self._sequence),
            body=body,
            group=group,
            deduplication_id=deduplication_id,
            sent_at=now,
            attributes=dict(attributes or {}),
        )
        self._seen[(scope, deduplication_id)] = (now, message)
        self._append(message)
        return message

    def _append(self, message: StoredMessage) -> None:
        self._groups.setdefault(message.group, Group()).messages[message.sequence] = message
        self._by_id[message.message_id] = message

    # receiving ------------------------------------------------------------------------------------------
    def receive(
        self, limit: int, now: float, *, visibility_seconds: float | None = None, attempt_id: str | None = None
    ) -> list[StoredMessage]:
        """Up to ``limit`` messages, as many of one group as possible, in the order of each group.

        The same ``attempt_id`` within five minutes brings the same messages while none of them has changed.
        """
        repeated = self._repeat(attempt_id, now)
        if repeated is not None:
            return repeated
        visibility = self.attributes.visibility_seconds if visibility_seconds is None else visibility_seconds
        self._expire(now)
        taken: list[StoredMessage] = []
        found = self._deliverable(limit, now)
        while found:
            exhausted = [message for message in found if self._is_exhausted(message)]
            for message in exhausted:
                self._redrive(message)
            for message in found:
                if message not in exhausted and len(self._in_flight) < self.attributes.in_flight_limit:
                    self._hand_out(message, now, visibility)
                    taken.append(message)
            # What moved to the dead letters leaves room for the messages behind it.
            found = self._deliverable(limit - len(taken), now) if exhausted and visibility else []
        for name in dict.fromkeys(message.group for message in taken):
            self._groups.move_to_end(name)  # the next receive starts with another group
        if attempt_id and taken:
            self._attempts[attempt_id] = (now, list(taken))
        return taken

    def _deliverable(self, limit: int, now: float) -> list[StoredMessage]:
        everything = itertools.chain.from_iterable(group.deliverable(now) for group in self._groups.values())
        return list(itertools.islice(everything, limit))

    def _is_exhausted(self, message: StoredMessage) -> bool:
        maximum = self.attributes.max_receive_count
        return self.dead_letters is not None and maximum is not None and message.receive_count >= maximum

    def _hand_out(self, message: StoredMessage, now: float, visibility: float) -> None:
        message.receive_count += 1
        message.handle = f"{message.message_id}#{message.receive_count}"
        message.received_at = now
        message.first_received_at = now if message.first_received_at is None else message.first_received_at
        self._hide(message, now, visibility)

    def _repeat(self, attempt_id: str | None, now: float) -> list[StoredMessage] | None:
        at, messages = self._attempts.get(attempt_id or "", (float("-inf"), []))
        unchanged = [m for m in messages if m.received_at == at and m.in_flight(now) and m.message_id in self._by_id]
        if now - at >= DEDUPLICATION_SECONDS or not messages or len(unchanged) != len(messages):
            return None
        return messages

    def _redrive(self, message: StoredMessage) -> None:
        assert self.dead_letters is not None  # noqa: S101 - the caller checked it
        self._forget(message)
        moved = StoredMessage(
            message_id=message.message_id,
            sequence=next(self.dead_letters._sequence),  # noqa: SLF001 - the other instance of this class
            body=message.body,
            group=message.group,
            deduplication_id=message.deduplication_id,
            sent_at=message.sent_at,
            attributes=message.attributes,
        )
        self.dead_letters._append(moved)  # noqa: SLF001 - the other instance of this class

    # in flight ------------------------------------------------------------------------------------------
    def delete(self, handle: str, now: float) -> None:
        """Delete by the handle of the last receive. Deleting twice is fine, an expired handle is refused."""
        message = self._by_id.get(handle.partition("#")[0])
        if message is None:
            return
        if message.handle != handle:
            raise QueueRefused("ReceiptHandleIsInvalid", "The receipt handle is not the one of the last receive.")
        if not message.in_flight(now):
            raise QueueRefused("InvalidParameterValue", "The receipt handle has expired.")
        self._forget(message)

    def change_visibility(self, handle: str, seconds: float, now: float) -> None:
        """Hide for ``seconds`` from now; at most twelve hours after the receive."""
        message = self._by_id.get(handle.partition("#")[0])
        if message is None or message.handle != handle:
            raise QueueRefused("ReceiptHandleIsInvalid", "The receipt handle is not valid.")
        if not message.in_flight(now):
            raise QueueRefused("InvalidParameterValue", "The message is not in flight: its visibility has expired.")
        if not 0 <= seconds <= VISIBILITY_CEILING_SECONDS:
            raise QueueRefused("InvalidParameterValue", "VisibilityTimeout must be between 0 and 43200.")
        if now + seconds > message.received_at + VISIBILITY_CEILING_SECONDS:
            raise QueueRefused("InvalidParameterValue", "Total VisibilityTimeout is beyond the limit of 43200 s.")
        self._hide(message, now, seconds)

    def _hide(self, message: StoredMessage, now: float, seconds: float) -> None:
        message.visible_at = now + seconds
        if seconds > 0:
            self._in_flight[message.sequence] = message
            heapq.heappush(self._expiries, (message.visible_at, next(self._pushes), message))
        else:
            self._in_flight.pop(message.sequence, None)

    def _forget(self, message: StoredMessage) -> None:
        group = self._groups[message.group]
        del group.messages[message.sequence]
        if not group.messages:
            del self._groups[message.group]
        del self._by_id[message.message_id]
        self._in_flight.pop(message.sequence, None)

    def _expire(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            _, _, message = heapq.heappop(self._expiries)
            if not message.in_flight(now):
                self._in_flight.pop(message.sequence, None)

    # looking --------------------------------------------------------------------------------------------
    def next_change(self, now: float) -> float | None:
        """When a hidden message becomes visible next, None when none is hidden."""
        self._expire(now)
        return self._expiries[0][0] if self._expiries else None

    def counts(self, now: float) -> tuple[int, int]:
        """Messages that are visible, and messages in flight."""
        self._expire(now)
        return sum(len(group.messages) for group in self._groups.values()) - len(self._in_flight), len(self._in_flight)

    def messages(self) -> list[StoredMessage]:
        """All that is stored, in order of sending; a test's view that consumes nothing."""
        stored = (message for group in self._groups.values() for message in group.messages.values())
        return sorted(stored, key=lambda message: message.sequence)

    def expire_all(self, now: float) -> None:
        """Make everything in flight visible now, as when consumers were too slow to extend it."""
        for message in list(self._in_flight.values()):
            self._hide(message, now, 0)
