"""The executions table: every transition of the state machine is one conditional UpdateItem.

    scheduled ──due──▶ queued ──claim──▶ running ──▶ completed
        │                ▲                 │  └────▶ failed
        ├─▶ skipped      └── retry later ──┘         cancelled (from scheduled or queued)

A refused transition raises :class:`fleet.transition.TransitionRefused`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.clock import SystemClock, instant_text, precise_instant_text
from fleet.execution import Execution, error_text, output_text, schedule_bucket
from fleet.marshalling import attribute, item, plain
from fleet.transition import Transitions, refused_item

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

CHILDREN_PER_ROOT = 100


class ExecutionStore:
    """Executions in DynamoDB. Methods that change an execution return it as it is afterwards."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, *, clock: SystemClock | None = None) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock or SystemClock()
        self._transitions = Transitions(dynamodb, table, self._clock)

    # creating -------------------------------------------------------------------------------------------
    async def create(self, execution: Execution) -> tuple[Execution, bool]:
        """Store the execution unless its id exists. Returns what is stored and whether this call stored it."""
        try:
            await self._dynamodb.put_item(
                TableName=self._table,
                Item=item(execution.to_item()),
                ConditionExpression="attribute_not_exists(execution_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            stored = refused_item(exc)
            if stored is None:
                raise
            return Execution.model_validate(stored), False
        return execution, True

    async def spawn(self, child: Execution) -> bool:
        """Store a child execution within its root's budget of 100; True when it exists afterwards.

        One transaction counts it on the root and puts it, so a redelivered parent counts nothing twice.
        """
        try:
            await self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": item(child.to_item()),
                            "ConditionExpression": "attribute_not_exists(execution_id)",
                        }
                    },
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": {"execution_id": attribute(child.root_execution_id)},
                            "UpdateExpression": "ADD children_spawned :one",
                            "ConditionExpression": "attribute_not_exists(children_spawned) OR children_spawned < :max",
                            "ExpressionAttributeValues": {":one": attribute(1), ":max": attribute(CHILDREN_PER_ROOT)},
                        }
                    },
                ]
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = [reason.get("Code") for reason in exc.response.get("CancellationReasons", [])]
            if reasons[:1] == ["ConditionalCheckFailed"]:
                return True  # stored by an earlier delivery of the parent
            if reasons[1:2] == ["ConditionalCheckFailed"]:
                return False
            raise
        return True

    # reading --------------------------------------------------------------------------------------------
    async def get(self, execution_id: str) -> Execution | None:
        """The execution, read consistently."""
        answer = await self._dynamodb.get_item(
            TableName=self._table, Key={"execution_id": attribute(execution_id)}, ConsistentRead=True
        )
        return Execution.model_validate(plain(answer["Item"])) if "Item" in answer else None

    # the worker's transitions ---------------------------------------------------------------------------
    async def claim(self, execution_id: str, worker_id: str, lease_seconds: float) -> Execution:
        """queued → running, or take over a running one whose lease has ended. Counts the attempt.

        Raises TransitionRefused: ``missing``, ``terminal`` (a duplicate), ``running`` (its lease is alive),
        ``not_due`` (before ``not_before``, or before the Retry-After of the last attempt).
        """
        now = self._clock.now()
        return await self._transitions.apply(
            "claim",
            execution_id,
            "SET #status = :running, worker_id = :worker, lease_expires_at = :lease, started_at = :started, "
            "first_attempt_at = if_not_exists(first_attempt_at, :started) ADD attempts :one "
            "REMOVE next_attempt_at, completed_at",
            "(#status = :queued AND (attribute_not_exists(not_before) OR not_before <= :now)"
            " AND (attribute_not_exists(next_attempt_at) OR next_attempt_at <= :now))"
            " OR (#status = :running AND lease_expires_at < :epoch)",
            {
                ":queued": "queued",
                ":running": "running",
                ":worker": worker_id,
                ":lease": _epoch(now) + lease_seconds,
                ":started": precise_instant_text(now),
                ":now": instant_text(now),
                ":epoch": _epoch(now),
                ":one": 1,
            },
        )

    async def extend(self, held: Execution, lease_seconds: float) -> Execution:
        """Move the lease's end to ``lease_seconds`` from now. Raises TransitionRefused (``not_owner``) once lost."""
        return await self._transitions.apply(
            "extend",
            held.execution_id,
            "SET lease_expires_at = :lease",
            _OWNED,
            {":lease": _epoch(self._clock.now()) + lease_seconds, **_owner(held)},
        )

    async def complete(self, held: Execution, output: Mapping[str, Any]) -> Execution:
        """running → completed, with the output as JSON text."""
        return await self._finish("complete", held, "completed", output=output)

    async def fail(
        self,
        held: Execution,
        *,
        error_type: str,
        error_message: str,
        retryable: bool = False,
        output: Mapping[str, Any] | None = None,
        counted: bool = True,
    ) -> Execution:
        """running → failed: a permanent error, or the last attempt (``retryable`` says which).

        ``counted=False`` takes the claim's attempt back: it only found that there is none left.
        """
        error = (error_type, error_message, retryable)
        return await self._finish("fail", held, "failed", output=output, error=error, counted=counted)

    async def _finish(
        self,
        transition: str,
        held: Execution,
        status: str,
        *,
        output: Mapping[str, Any] | None,
        error: tuple[str, str, bool] | None = None,
        counted: bool = True,
    ) -> Execution:
        now = self._clock.now()
        assignments = ["#status = :status", "completed_at = :now", "duration_ms = :duration"]
        removals = ["lease_expires_at", "next_attempt_at"]
        values: dict[str, Any] = {
            ":status": status,
            ":now": precise_instant_text(now),
            ":duration": max(0, round((_epoch(now) - held.started_epoch) * 1000)),
            **_owner(held),
        }
        if error is None:
            removals += ["error_type", "error_message", "retryable"]
        else:
            assignments += ["error_type = :error_type", "error_message = :error", "retryable = :retryable"]
            values |= {":error_type": error[0], ":error": error_text(error[1]), ":retryable": error[2]}
        if output is not None:
            assignments.append("#output = :output")
            values[":output"] = output_text(output, held.room_for_output(values.get(":error", "")))
        if not counted:
            assignments.append("attempts = attempts - :one")
            values[":one"] = 1
        return await self._transitions.apply(
            transition,
            held.execution_id,
            f"SET {', '.join(assignments)} REMOVE {', '.join(removals)}",
            _OWNED,
            values,
            names={"#output": "output"} if output is not None else {},
        )

    async def retry_later(
        self, held: Execution, *, after_seconds: float, error_type: str, error_message: str
    ) -> Execution:
        """running → queued; the message comes back after ``after_seconds``. The attempt stays counted."""
        return await self._transitions.apply(
            "retry_later",
            held.execution_id,
            "SET #status = :queued, next_attempt_at = :next, error_type = :error_type, error_message = :error, "
            "retryable = :true REMOVE worker_id, lease_expires_at",
            _OWNED,
            {
                ":queued": "queued",
                ":next": instant_text(self._clock.now() + timedelta(seconds=after_seconds)),
                ":error_type": error_type,
                ":error": error_text(error_message),
                ":true": True,
                **_owner(held),
            },
        )

    async def give_back(self, held: Execution) -> Execution:
        """running → queued without the attempt: the run was cut short by shutdown."""
        return await self._transitions.apply(
            "give_back",
            held.execution_id,
            "SET #status = :queued, attempts = attempts - :one REMOVE worker_id, lease_expires_at",
            _OWNED,
            {":queued": "queued", ":one": 1, **_owner(held)},
        )

    # transitions of router, scheduler and operator ------------------------------------------------------
    async def queue_due(self, execution_id: str) -> Execution:
        """scheduled → queued when its not_before has come; the stream record of this write dispatches it."""
        return await self._transitions.apply(
            "queue_due",
            execution_id,
            "SET #status = :queued REMOVE schedule_bucket",
            "#status = :scheduled AND not_before <= :now AND attribute_not_exists(depends_on_execution_id)",
            {":queued": "queued", ":scheduled": "scheduled", ":now": instant_text(self._clock.now())},
        )

    async def release(self, execution_id: str) -> Execution:
        """A scheduled child whose predecessor ended waits for nothing but time: put it into the schedule.

        The scheduler queues it, at once where its not_before has come.
        """
        return await self._transitions.apply(
            "release",
            execution_id,
            "SET schedule_bucket = :bucket REMOVE depends_on_execution_id",
            "#status = :scheduled",
            {":bucket": schedule_bucket(execution_id), ":scheduled": "scheduled"},
        )

    async def skip(self, execution_id: str, reason: str) -> Execution:
        """scheduled → skipped: the chain stopped before this child."""
        return await self._end_unstarted("skip", execution_id, "skipped", reason, ("scheduled",))

    async def cancel(self, execution_id: str, reason: str = "cancelled by an operator") -> Execution:
        """scheduled or queued → cancelled. A running execution cannot be cancelled."""
        return await self._end_unstarted("cancel", execution_id, "cancelled", reason, _UNSTARTED)

    async def reject(self, execution_id: str, *, error_type: str, error_message: str) -> Execution:
        """queued or scheduled → failed without a run: a record that can never be routed, a message that is poison."""
        return await self._end_unstarted("reject", execution_id, "failed", error_message, _UNSTARTED, error_type)

    async def _end_unstarted(
        self, transition: str, execution_id: str, status: str, message: str, states: Sequence[str], error_type: str = ""
    ) -> Execution:
        values: dict[str, Any] = {
            ":status": status,
            ":now": instant_text(self._clock.now()),
            ":error": error_text(message),
            ":error_type": error_type or status.capitalize(),
            ":false": False,
            **{f":{state}": state for state in states},
        }
        return await self._transitions.apply(
            transition,
            execution_id,
            "SET #status = :status, completed_at = :now, error_message = :error, error_type = :error_type, "
            "retryable = :false REMOVE schedule_bucket",
            " OR ".join(f"#status = :{state}" for state in states),
            values,
        )


_UNSTARTED = ("scheduled", "queued")
_OWNED = "#status = :running AND worker_id = :worker AND attempts = :attempt"


def _owner(held: Execution) -> dict[str, Any]:
    return {":running": "running", ":worker": held.worker_id, ":attempt": held.attempts}


def _epoch(moment: datetime) -> float:
    return round(moment.timestamp(), 3)
