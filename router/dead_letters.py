"""Records that can never be routed: into the router's dead-letter queue, their execution failed."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from botocore.exceptions import ClientError

from fleet.envelope import attribute_text
from fleet.metrics import Metrics
from fleet.transition import TransitionRefused
from router.outbox import Entry
from router.streams import error_code

if TYPE_CHECKING:
    from types_aiobotocore_ssm.client import SSMClient

log = structlog.get_logger(__name__)

ERROR_TYPE = "Unroutable"
# The request itself is refused: sent again as it is, it is refused again.
REFUSED_FOR_GOOD = {
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "MissingParameter",
    "InvalidAttributeValue",
    "ParamValidationError",
}


class SendsMessages(Protocol):
    """The part of an SQS client that sends."""

    async def send_message(self, **request: Any) -> Any:
        """SendMessage."""
        ...

    async def send_message_batch(self, **request: Any) -> Any:
        """SendMessageBatch."""
        ...


class RejectsExecutions(Protocol):
    """The part of the execution store that ends an execution without a run."""

    async def reject(self, execution_id: str, *, error_type: str, error_message: str) -> Any:
        """queued or scheduled → failed. Raises TransitionRefused."""
        ...


class BuriesRecords(Protocol):
    """Where records go that can never be routed."""

    async def bury(self, entry: Entry) -> None:
        """Take the record of the entry; burying it again is harmless."""
        ...


class DeadLetters:
    """Buries poison records. ``queue_url`` is asked once there is one to bury; None = no queue is provisioned."""

    def __init__(
        self,
        sqs: SendsMessages,
        executions: RejectsExecutions,
        queue_url: Callable[[], Awaitable[str | None]],
        metrics: Metrics,
    ) -> None:
        self._sqs = sqs
        self._executions = executions
        self._queue_url = queue_url
        self._metrics = metrics

    async def bury(self, entry: Entry) -> None:
        """Send the record, then fail its execution. Raises what may pass; burying again is harmless.

        What cannot be done for good stops no shard: without a dead-letter queue the execution tells what happened,
        and the other way round.
        """
        url = await self._queue_url()
        if url is None:
            log.error("dead_letter_queue_missing", sequence_number=entry.sequence_number)
            self._metrics.count("DeadLetterQueueMissing")
        else:
            await self._send(url, entry)
        if entry.execution_id:
            try:
                await self._executions.reject(
                    entry.execution_id, error_type=ERROR_TYPE, error_message=f"could not be routed: {entry.reason}"
                )
            except TransitionRefused as exc:
                log.info("dead_letter_execution_kept", execution_id=entry.execution_id, reason=exc.reason)
            except ClientError as exc:
                if error_code(exc) != "ValidationException":
                    raise
                # An item of 400 KB has no room for the reason.
                log.warning("dead_letter_execution_kept", execution_id=entry.execution_id, reason=str(exc))
        self._metrics.count("RecordsDeadLettered")
        log.error(
            "record_dead_lettered",
            execution_id=entry.execution_id,
            helper_type=entry.helper_type,
            sequence_number=entry.sequence_number,
            reason=entry.reason,
        )

    async def _send(self, url: str, entry: Entry) -> None:
        try:
            await self._send_body(url, entry, entry.record)
        except ClientError as exc:
            if error_code(exc) not in REFUSED_FOR_GOOD:
                raise
            log.warning("dead_letter_shortened", sequence_number=entry.sequence_number, code=error_code(exc))
            await self._send_body(url, entry, _without_image(entry.record))

    async def _send_body(self, url: str, entry: Entry, record: Mapping[str, Any]) -> None:
        await self._sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(record, default=_json_value, separators=(",", ":")),
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": attribute_text(entry.reason)},
                "execution_id": {"DataType": "String", "StringValue": attribute_text(entry.execution_id) or "unknown"},
            },
        )


def dead_letter_queue_from_ssm(ssm: SSMClient, parameter: str) -> Callable[[], Awaitable[str | None]]:
    """Read the queue's URL from SSM; a found one is kept, a missing one is looked up again each time."""
    found: list[str] = []

    async def queue_url() -> str | None:
        if not found:
            try:
                answer = await ssm.get_parameter(Name=parameter)
            except ClientError as exc:
                if error_code(exc) != "ParameterNotFound":
                    raise
                return None
            found.append(answer["Parameter"]["Value"])
        return found[0]

    return queue_url


def _without_image(record: Mapping[str, Any]) -> dict[str, Any]:
    change = {name: value for name, value in (record.get("dynamodb") or {}).items() if name != "NewImage"}
    return {**record, "dynamodb": change, "truncated": "NewImage left out: no queue takes a record of this size"}


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
