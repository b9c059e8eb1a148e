"""One transition of an execution: a conditional UpdateItem, and why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from fleet.clock import SystemClock, instant_text
from fleet.execution import Execution
from fleet.marshalling import attribute, item, plain
from helpers.errors import MyFusionError

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

RefusalReason = Literal["missing", "terminal", "running", "not_due", "not_owner", "wrong_state"]


class TransitionRefused(MyFusionError):
    """The stored execution does not allow this transition.

    ``stored`` is the item as it is (None when it does not exist), ``reason``: ``missing``; ``terminal``
    (completed, failed, cancelled, skipped); ``running`` (another worker holds a lease); ``not_due`` (before its
    not_before); ``not_owner`` (the lease went to another worker or attempt); ``wrong_state``.
    """

    def __init__(self, transition: str, execution_id: str, reason: RefusalReason, stored: Execution | None) -> None:
        self.transition = transition
        self.execution_id = execution_id
        self.reason = reason
        self.stored = stored
        state = stored.status if stored else "absent"
        super().__init__(f"{transition} of {execution_id} refused: {reason} (stored status: {state})")


class Transitions:
    """Applies transitions to the stored executions. A refusal tells why in the same call."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, clock: SystemClock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    async def apply(
        self,
        transition: str,
        execution_id: str,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> Execution:
        """Write the update where the condition holds and return the execution as it is then.

        ``#status`` names the status; other reserved words come in ``names``. Raises TransitionRefused.
        """
        try:
            answer = await self._dynamodb.update_item(
                TableName=self._table,
                Key={"execution_id": attribute(execution_id)},
                UpdateExpression=update,
                # Without this an update would create the item.
                ConditionExpression=f"attribute_exists(execution_id) AND ({condition})",
                ExpressionAttributeNames={"#status": "status", **(names or {})},
                ExpressionAttributeValues=item(values),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            image = refused_item(exc)
            stored = Execution.model_validate(image) if image else None
            raise TransitionRefused(
                transition, execution_id, refusal_reason(transition, stored, self._clock.now()), stored
            ) from exc
        return Execution.model_validate(plain(answer["Attributes"]))


def refused_item(exc: ClientError) -> dict[str, Any] | None:
    """The stored item that a failed condition returned (ReturnValuesOnConditionCheckFailure)."""
    image = exc.response.get("Item")
    return plain(image) if image else None  # type: ignore[arg-type]


def refusal_reason(transition: str, stored: Execution | None, now: datetime) -> RefusalReason:
    """Why a transition of the stored execution was refused."""
    if stored is None:
        return "missing"
    if stored.is_terminal:
        return "terminal"
    due_at = {"claim": stored.due_at, "queue_due": stored.not_before}.get(transition, "")
    if stored.status != "running" and due_at > instant_text(now):
        return "not_due"
    if transition == "claim" and stored.status == "running":
        return "running"
    if transition in {"extend", "complete", "fail", "retry_later", "give_back"}:
        return "not_owner"
    return "wrong_state"
