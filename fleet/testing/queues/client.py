"""An SQS client in memory: aiobotocore's method names, arguments, answers and errors over `FifoQueue`.

Long polls live on the server, as in AWS: a client that goes away (a cancelled call) leaves its poll behind, and the
poll takes messages that nobody will see before their visibility timeout. ``abandoned_polls`` counts them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from fleet.testing.queues.fifo import FifoQueue, QueueAttributes, QueueRefused
from fleet.testing.queues.message import StoredMessage
from fleet.testing.virtual_time import EPOCH

MAX_BATCH = 10
MAX_MESSAGE_BYTES = 1_048_576

# (operation, id of the message or None for the whole call) -> error code, or None to let it pass.
Fault = Callable[[str, str | None], str | None]


@dataclass(eq=False, slots=True)
class _Poll:
    queue: FifoQueue
    limit: int
    visibility: float | None
    attempt_id: str | None
    answer: asyncio.Future[list[StoredMessage]]
    wake: asyncio.TimerHandle | None = None


class InMemorySqs:
    """One account's queues on the time of the running loop."""

    def __init__(self, *, fault: Fault | None = None) -> None:
        self.fault = fault
        self.queues: dict[str, FifoQueue] = {}
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.abandoned_polls = 0
        self._polls: list[_Poll] = []

    # queues ---------------------------------------------------------------------------------------------
    async def create_queue(self, QueueName: str, Attributes: Mapping[str, str] | None = None) -> dict[str, Any]:  # noqa: N803 - SQS names
        """Create a FIFO queue, or answer with the one of that name and the same attributes."""
        attributes = dict(Attributes or {})
        redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
        targets = {queue.arn: queue for queue in self.queues.values()}
        wanted = QueueAttributes(
            visibility_seconds=float(attributes.get("VisibilityTimeout", 30)),
            content_based_deduplication=attributes.get("ContentBasedDeduplication") == "true",
            deduplication_per_group=attributes.get("DeduplicationScope") == "messageGroup",
            max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
        )
        url = f"https://sqs.us-west-2.amazonaws.com/000000000000/{QueueName}"
        existing = self.queues.get(url)
        if existing is not None and existing.attributes != wanted:
            raise _error("CreateQueue", "QueueAlreadyExists", "A queue of that name has other attributes.")
        if existing is None:
            target = targets.get(redrive.get("deadLetterTargetArn", ""))
            self.queues[url] = FifoQueue(QueueName, wanted, dead_letters=target)
        return {"QueueUrl": url}

    async def get_queue_url(self, QueueName: str) -> dict[str, Any]:  # noqa: N803 - SQS names
        """The URL of a queue."""
        for url, queue in self.queues.items():
            if queue.name == QueueName:
                return {"QueueUrl": url}
        raise _error("GetQueueUrl", "QueueDoesNotExist", "The specified queue does not exist.")

    async def get_queue_attributes(self, QueueUrl: str, AttributeNames: Sequence[str] = ()) -> dict[str, Any]:  # noqa: N803 - SQS names
        """Counts and the ARN."""
        queue = self._queue(QueueUrl)
        visible, in_flight = queue.counts(self._now())
        known = {
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            "VisibilityTimeout": f"{queue.attributes.visibility_seconds:g}",
        }
        wanted = known if "All" in AttributeNames else set(AttributeNames)
        return {"Attributes": {name: value for name, value in known.items() if name in wanted}}

    # sending --------------------------------------------------------------------------------------------
    async def send_message(self, **request: Any) -> dict[str, Any]:
        """Send one message."""
        queue = self._begin("SendMessage", request)
        try:
            answer = self._send(queue, request)
        except QueueRefused as exc:
            raise _error("SendMessage", exc.code, str(exc)) from exc
        self._pump()
        return answer

    async def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Send up to ten messages; each entry succeeds or fails by itself."""
        queue = self._begin("SendMessageBatch", request)
        if sum(len(entry["MessageBody"].encode()) for entry in request["Entries"]) > MAX_MESSAGE_BYTES:
            raise _error("SendMessageBatch", "BatchRequestTooLong", "The batch is longer than 1 MiB.")
        answer = self._batch("SendMessageBatch", request, lambda entry: self._send(queue, entry))
        self._pump()
        return answer

    def _send(self, queue: FifoQueue, entry: Mapping[str, Any]) -> dict[str, Any]:
        message = queue.send(
            entry["MessageBody"],
            entry.get("MessageGroupId", ""),
            entry.get("MessageDeduplicationId"),
            self._now(),
            entry.get("MessageAttributes"),
        )
        return {
            "MessageId": message.message_id,
            "MD5OfMessageBody": _md5(message.body),
            "SequenceNumber": f"{message.sequence:020d}",
        }

    # receiving ------------------------------------------------------------------------------------------
    async def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive at once, or wait up to ``WaitTimeSeconds`` for the first message."""
        queue = self._begin("ReceiveMessage", request)
        wait = float(request.get("WaitTimeSeconds", 0))
        limit = int(request.get("MaxNumberOfMessages", 1))
        if not 0 <= wait <= 20 or not 1 <= limit <= MAX_BATCH:
            raise _error("ReceiveMessage", "InvalidParameterValue", "WaitTimeSeconds 0-20, MaxNumberOfMessages 1-10.")
        visibility, attempt = request.get("VisibilityTimeout"), request.get("ReceiveRequestAttemptId")
        messages = queue.receive(limit, self._now(), visibility_seconds=visibility, attempt_id=attempt)
        if not messages and wait:
            messages = await self._long_poll(queue, limit, visibility, attempt, wait)
        return {"Messages": [_received(message) for message in messages]} if messages else {}

    async def _long_poll(
        self, queue: FifoQueue, limit: int, visibility: float | None, attempt: str | None, wait: float
    ) -> list[StoredMessage]:
        loop = asyncio.get_running_loop()
        poll = _Poll(queue, limit, visibility, attempt, loop.create_future())
        self._polls.append(poll)
        loop.call_later(wait, self._end_poll, poll, [])
        self._schedule_wake(poll)
        try:
            return await asyncio.shield(poll.answer)
        except asyncio.CancelledError:
            self.abandoned_polls += 1
            raise

    def _pump(self) -> None:
        """Give what became deliverable to the polls that wait longest."""
        for poll in list(self._polls):
            messages = poll.queue.receive(
                poll.limit, self._now(), visibility_seconds=poll.visibility, attempt_id=poll.attempt_id
            )
            if messages:
                self._end_poll(poll, messages)
            else:
                self._schedule_wake(poll)

    def _schedule_wake(self, poll: _Poll) -> None:
        if poll.wake is not None:
            poll.wake.cancel()
        change = poll.queue.next_change(self._now())
        poll.wake = None if change is None else asyncio.get_running_loop().call_at(change, self._pump)

    def _end_poll(self, poll: _Poll, messages: list[StoredMessage]) -> None:
        if poll.wake is not None:
            poll.wake.cancel()
        if poll in self._polls:
            self._polls.remove(poll)
            poll.answer.set_result(messages)

    # in flight ------------------------------------------------------------------------------------------
    async def delete_message(self, **request: Any) -> dict[str, Any]:
        """Delete one message."""
        queue = self._begin("DeleteMessage", request)
        try:
            queue.delete(request["ReceiptHandle"], self._now())
        except QueueRefused as exc:
            raise _error("DeleteMessage", exc.code, str(exc)) from exc
        self._pump()
        return {}

    async def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        """Delete up to ten messages; each entry succeeds or fails by itself."""
        queue = self._begin("DeleteMessageBatch", request)
        now = self._now()
        answer = self._batch("DeleteMessageBatch", request, lambda entry: queue.delete(entry["ReceiptHandle"], now))
        self._pump()
        return answer

    async def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Hide or release up to ten messages; each entry succeeds or fails by itself."""
        queue = self._begin("ChangeMessageVisibilityBatch", request)
        now = self._now()
        answer = self._batch(
            "ChangeMessageVisibilityBatch",
            request,
            lambda entry: queue.change_visibility(entry["ReceiptHandle"], entry["VisibilityTimeout"], now),
        )
        self._pump()
        return answer

    def expire_visibility(self, url: str) -> None:
        """A trouble for tests: everything in flight becomes visible now, and is handed out again."""
        self._queue(url).expire_all(self._now())
        self._pump()

    # plumbing -------------------------------------------------------------------------------------------
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _queue(self, url: str) -> FifoQueue:
        try:
            return self.queues[url]
        except KeyError:
            raise _error("", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.") from None

    def _begin(self, operation: str, request: Mapping[str, Any]) -> FifoQueue:
        self.calls.append((operation, request))
        code = self.fault(operation, None) if self.fault else None
        if code:
            raise _error(operation, code, "The double was told to refuse this call.")
        return self._queue(request["QueueUrl"])

    def _batch(
        self, operation: str, request: Mapping[str, Any], apply: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
    ) -> dict[str, Any]:
        entries = request["Entries"]
        if not 1 <= len(entries) <= MAX_BATCH:
            code = "AWS.SimpleQueueService.EmptyBatchRequest" if not entries else "TooManyEntriesInBatchRequest"
            raise _error(operation, code, "A batch holds 1 to 10 entries.")
        if len({entry["Id"] for entry in entries}) != len(entries):
            raise _error(operation, "BatchEntryIdsNotDistinct", "Two entries have the same Id.")
        successful: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for entry in entries:
            handle = entry.get("ReceiptHandle", entry.get("MessageDeduplicationId", entry["Id"]))
            told = self.fault(operation, handle.partition("#")[0]) if self.fault else None
            if told:
                failed.append({"Id": entry["Id"], "Code": told, "Message": "told to fail", "SenderFault": False})
                continue
            try:
                successful.append({"Id": entry["Id"], **(apply(entry) or {})})
            except QueueRefused as exc:
                failed.append({"Id": entry["Id"], "Code": exc.code, "Message": str(exc), "SenderFault": True})
        return {"Successful": successful, "Failed": failed} if failed else {"Successful": successful}


def _received(message: StoredMessage) -> dict[str, Any]:
    first = message.first_received_at or 0.0
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handle,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
        "MessageAttributes": dict(message.attributes),
        "Attributes": {
            "MessageGroupId": message.group,
            "MessageDeduplicationId": message.deduplication_id,
            "SequenceNumber": f"{message.sequence:020d}",
            "SentTimestamp": _epoch_milliseconds(message.sent_at),
            "ApproximateFirstReceiveTimestamp": _epoch_milliseconds(first),
            "ApproximateReceiveCount": str(message.receive_count),
        },
    }


def _epoch_milliseconds(instant: float) -> str:
    return str(round((EPOCH.timestamp() + instant) * 1000))


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
