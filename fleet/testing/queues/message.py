"""What a FIFO queue holds: messages, and the groups that keep them in order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class StoredMessage:
    """A message in the queue. Instants are seconds of the queue's clock; ``handle`` is the one of the last receive."""

    message_id: str
    sequence: int
    body: str
    group: str
    deduplication_id: str
    sent_at: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    visible_at: float = 0.0
    received_at: float = 0.0
    first_received_at: float | None = None
    receive_count: int = 0
    handle: str = ""

    def in_flight(self, now: float) -> bool:
        """Whether a consumer has it: received and not visible again."""
        return self.visible_at > now


class Group:
    """The messages of one group in the order of sending."""

    __slots__ = ("messages",)

    def __init__(self) -> None:
        self.messages: OrderedDict[int, StoredMessage] = OrderedDict()

    def deliverable(self, now: float) -> Iterable[StoredMessage]:
        """The messages a receive may take: those before the first hidden one.

        SQS may hand out messages *before* a still-hidden one of the group, never after it.
        """
        for message in self.messages.values():
            if message.in_flight(now):
                return
            yield message
