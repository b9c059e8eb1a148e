"""Sends messages to the dead-letter queue of their type, with the facts an operator needs as attributes."""

from __future__ import annotations

from typing import Any

import structlog

from fleet.envelope import deduplication_id
from fleet.execution import Execution
from fleet.logging import redact_text
from fleet.metrics import Metrics
from worker.sqs import Message, SqsClient

log = structlog.get_logger(__name__)

# SQS counts attributes into the message size; an error text is cut well below it.
MAX_ERROR_LENGTH = 1000


class DeadLetters:
    """One message for each execution or poison message; a repeated send within five minutes is deduplicated."""

    def __init__(self, client: SqsClient, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

    async def send(self, message: Message, *, error_type: str, error: str, execution: Execution | None = None) -> None:
        """Copy the message to the dead-letter queue. Raises what the client raises; the original stays until then."""
        if not message.queue.dead_letter_url:
            log.error("dead_letter_queue_missing", helper_type=message.queue.helper_type, message_id=message.message_id)
            return
        facts = {
            "error_type": error_type,
            "error": redact_text(error)[:MAX_ERROR_LENGTH],
            "source_message_id": message.message_id,
        }
        if execution is not None:
            facts |= {
                "execution_id": execution.execution_id,
                "attempts": str(execution.attempts),
                "first_attempt_at": execution.first_attempt_at,
                "last_attempt_at": execution.started_at,
            }
        attributes: dict[str, Any] = {
            name: {"DataType": "Number" if name == "attempts" else "String", "StringValue": value}
            for name, value in facts.items()
            if value
        }
        identity = execution.execution_id if execution else message.message_id
        await self._client.send_message(
            QueueUrl=message.queue.dead_letter_url,
            MessageBody=message.body,
            MessageGroupId=message.group_id,
            MessageDeduplicationId=deduplication_id(f"{identity}-dead"),
            MessageAttributes=attributes,
        )
        self._metrics.count("DeadLettered")
