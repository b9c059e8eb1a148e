"""What goes to the dead-letter queue, and the attributes that say why."""

from __future__ import annotations

import structlog

from fleet.envelope import attribute_text
from fleet.execution import Execution
from fleet.logging import redact_text
from fleet.metrics import Metrics
from worker.message import Message
from worker.source_queue import SourceQueue

log = structlog.get_logger(__name__)


class DeadLetters:
    """Sends messages of one queue to its dead letters."""

    def __init__(self, queue: SourceQueue, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics

    async def send(
        self,
        message: Message,
        *,
        error_type: str,
        error: str,
        execution_id: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Send the whole message with its reason. Raises when SQS does not take it: the original then stays."""
        await self._queue.send_dead_letter(
            message,
            {
                "execution_id": execution_id,
                "error_type": error_type,
                "error": attribute_text(redact_text(error)),
                "attempts": str(execution.attempts) if execution else "0",
                "first_attempt_at": execution.first_attempt_at if execution else "",
                "last_attempt_at": execution.started_at if execution else "",
            },
        )
        self._metrics.count("DeadLetters", helper_type=self._queue.helper_type)
        log.warning("message_dead_lettered", message_id=message.message_id, error_type=error_type)
