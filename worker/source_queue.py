"""One helper type's queue and its dead letters: the edge to SQS. Answers are inspected entry by entry."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from worker.message import Message

BATCH = 10
# The handle is not (or no longer) the one that counts: expired, redelivered or deleted. Never worth a retry.
_LOST = frozenset({"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight", "InvalidIdFormat"})


class SqsClient(Protocol):
    """The part of aiobotocore's SQS client that the worker uses; `fleet.testing.queues` has it in memory."""

    async def receive_message(self, **request: Any) -> Mapping[str, Any]: ...
    async def delete_message_batch(self, **request: Any) -> Mapping[str, Any]: ...
    async def change_message_visibility_batch(self, **request: Any) -> Mapping[str, Any]: ...
    async def send_message(self, **request: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class EntryFailure:
    """An entry that SQS refused. ``handle`` is the one that was sent; ``lost`` means that it is worth nothing."""

    message: Message
    handle: str
    code: str
    lost: bool


class SourceQueue:
    """Receives, deletes, hides and releases messages of one queue; sends to its dead-letter queue."""

    def __init__(
        self,
        sqs: SqsClient,
        helper_type: str,
        url: str,
        dead_letter_url: str,
        *,
        visibility_seconds: int,
        wait_seconds: int,
    ) -> None:
        self.helper_type = helper_type
        self._sqs = sqs
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._visibility_seconds = visibility_seconds
        self._wait_seconds = wait_seconds

    async def receive(self, limit: int, attempt_id: str) -> list[Message]:
        """Up to ``limit`` messages after at most one long poll. Must not be cancelled: what SQS hands to a call that
        nobody waits for stays invisible for the whole visibility timeout."""
        answer = await self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=self._wait_seconds,
            VisibilityTimeout=self._visibility_seconds,
            ReceiveRequestAttemptId=attempt_id,
            MessageSystemAttributeNames=["MessageGroupId", "SentTimestamp", "ApproximateReceiveCount"],
        )
        now = asyncio.get_running_loop().time()
        return [
            Message.received(raw, now=now, visibility_seconds=self._visibility_seconds)
            for raw in answer.get("Messages", ())
        ]

    async def delete(self, messages: Sequence[Message]) -> list[EntryFailure]:
        """Delete in batches; returns what was refused."""
        return await self._in_batches(self._sqs.delete_message_batch, messages, {})

    async def change_visibility(self, messages: Sequence[Message], seconds: int) -> list[EntryFailure]:
        """Hide for ``seconds`` from now (0 = release) in batches; returns what was refused."""
        sent_at = asyncio.get_running_loop().time()
        failures = await self._in_batches(
            self._sqs.change_message_visibility_batch, messages, {"VisibilityTimeout": seconds}
        )
        refused = {failure.message for failure in failures}
        for message in messages:
            if message not in refused:
                message.visible_until = sent_at + seconds
        return failures

    async def send_dead_letter(self, message: Message, attributes: Mapping[str, str]) -> None:
        """Put the message into the dead-letter queue with the reason in its attributes. Raises on any failure.

        The message id deduplicates: a worker that died between this and the delete does it again.
        """
        await self._sqs.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.message_id,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        )

    async def _in_batches(
        self,
        call: Callable[..., Awaitable[Mapping[str, Any]]],
        messages: Sequence[Message],
        common: Mapping[str, Any],
    ) -> list[EntryFailure]:
        batches = list(_batches(messages))
        if len(batches) == 1:
            return await self._batch(call, batches[0], common)
        answers = await asyncio.gather(*(self._batch(call, batch, common) for batch in batches))
        return list(itertools.chain.from_iterable(answers))

    async def _batch(
        self,
        call: Callable[..., Awaitable[Mapping[str, Any]]],
        messages: Sequence[Message],
        common: Mapping[str, Any],
    ) -> list[EntryFailure]:
        handles = [message.handle for message in messages]
        entries = [{"Id": str(n), "ReceiptHandle": handle, **common} for n, handle in enumerate(handles)]
        try:
            answer = await call(QueueUrl=self._url, Entries=entries)
        except ClientError as exc:
            # Some emulators refuse the whole call for one bad entry: a call with a single entry tells about it.
            code = exc.response["Error"]["Code"]
            return [
                EntryFailure(message, handle, code, len(messages) == 1 and _is_lost(code))
                for message, handle in zip(messages, handles, strict=True)
            ]
        except (BotoCoreError, OSError, TimeoutError) as exc:
            code = type(exc).__name__
            return [
                EntryFailure(message, handle, code, False) for message, handle in zip(messages, handles, strict=True)
            ]
        return [
            EntryFailure(messages[index], handles[index], failed["Code"], _is_lost(failed["Code"]))
            for failed in answer.get("Failed", ())
            for index in (int(failed["Id"]),)
        ]


def _is_lost(code: str) -> bool:
    return code.removeprefix("AWS.SimpleQueueService.") in _LOST


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]
