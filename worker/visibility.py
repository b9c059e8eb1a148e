"""Changing the visibility of messages in batches: the heartbeat and the release use the same call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from worker.sqs import Message, SqsClient, batches

log = structlog.get_logger(__name__)

# SQS's ceiling: a message stays in flight for at most 12 hours after its receive, however often it is extended.
CEILING_SECONDS = 43_200


@dataclass(frozen=True, slots=True)
class VisibilityFailure:
    """An entry that SQS refused. ``lost``: the receipt handle is no longer valid, as opposed to a passing fault."""

    message: Message
    code: str
    lost: bool


async def change_visibility(client: SqsClient, messages: Sequence[Message], seconds: int) -> list[VisibilityFailure]:
    """Set the visibility of all messages to the same moment. Returns the refused entries; never raises for them.

    A call that fails as a whole counts as a passing failure of each of its entries.
    """
    failures: list[VisibilityFailure] = []
    for batch in batches(messages):
        try:
            answer = await client.change_message_visibility_batch(
                QueueUrl=batch[0].queue.url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": seconds}
                    for index, message in enumerate(batch)
                ],
            )
        except Exception as exc:  # noqa: BLE001 - whatever the client raises: the heartbeat has to go on
            log.warning("visibility_change_failed", queue=batch[0].queue.helper_type, error=repr(exc))
            failures.extend(VisibilityFailure(message, type(exc).__name__, False) for message in batch)
            continue
        failures += [
            VisibilityFailure(batch[int(entry["Id"])], str(entry.get("Code")), bool(entry.get("SenderFault", True)))
            for entry in answer.get("Failed", ())
        ]
    return failures
