"""The part of SQS that the worker uses, as a protocol: the aiobotocore client and the in-memory double both fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Attributes worth paying for: group, age, redeliveries.
MESSAGE_ATTRIBUTES = ("MessageGroupId", "SentTimestamp", "ApproximateReceiveCount", "MessageDeduplicationId")
BATCH = 10


class SqsClient(Protocol):
    """Method names and shapes of the aiobotocore client."""

    async def receive_message(self, **request: Any) -> Mapping[str, Any]: ...
    async def delete_message_batch(self, **request: Any) -> Mapping[str, Any]: ...
    async def change_message_visibility_batch(self, **request: Any) -> Mapping[str, Any]: ...
    async def send_message(self, **request: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class QueueRef:
    """A queue that this worker serves; ``dead_letter_url`` may be empty where none is provisioned."""

    helper_type: str
    url: str
    dead_letter_url: str = ""


@dataclass(eq=False, slots=True)
class Message:
    """A received message. ``received_at`` is the worker's monotonic clock; identity is the receipt."""

    queue: QueueRef
    message_id: str
    receipt_handle: str
    body: str
    group_id: str
    sent_at: float
    receive_count: int
    received_at: float
    lost: str = ""

    @property
    def group_key(self) -> tuple[str, str]:
        """Groups of different queues are different groups."""
        return (self.queue.url, self.group_id)

    def payload(self) -> dict[str, Any] | None:
        """The body as an object, or None when it is no JSON object."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None


def read_messages(queue: QueueRef, answer: Mapping[str, Any], received_at: float) -> list[Message]:
    """The messages of a receive, in the order SQS gave them."""
    messages = []
    for raw in answer.get("Messages", ()):
        attributes = raw.get("Attributes", {})
        messages.append(
            Message(
                queue=queue,
                message_id=raw["MessageId"],
                receipt_handle=raw["ReceiptHandle"],
                body=raw["Body"],
                # Only a standard queue sends none; then every message is its own group.
                group_id=attributes.get("MessageGroupId") or raw["MessageId"],
                sent_at=int(attributes.get("SentTimestamp", 0)) / 1000,
                receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
                received_at=received_at,
            )
        )
    return messages


def batches(messages: Sequence[Message]) -> list[list[Message]]:
    """Groups of at most ten of the same queue: the limit of every batch call."""
    by_queue: dict[str, list[Message]] = {}
    for message in messages:
        by_queue.setdefault(message.queue.url, []).append(message)
    return [own[start : start + BATCH] for own in by_queue.values() for start in range(0, len(own), BATCH)]
