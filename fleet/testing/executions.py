"""The worker's part of the execution store in memory: the same transitions and refusals as `ExecutionStore`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fleet.clock import instant_text, precise_instant_text
from fleet.execution import Execution, error_text, output_text
from fleet.transition import TransitionRefused, refusal_reason
from helpers.ports import Clock


class InMemoryExecutions:
    """Holds executions by id; ``items`` may be looked at and filled directly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.items: dict[str, Execution] = {}

    async def claim(self, execution_id: str, worker_id: str, lease_seconds: float) -> Execution:
        """queued → running, or take over when the lease has ended."""
        now = self._clock.now()
        stored = self.items.get(execution_id)
        if stored is None:
            raise TransitionRefused("claim", execution_id, "missing", None)
        due = stored.due_at <= instant_text(now)
        lease_ended = stored.status == "running" and (stored.lease_expires_at or 0) < now.timestamp()
        if not (stored.status == "queued" and due) and not lease_ended:
            raise TransitionRefused("claim", execution_id, refusal_reason("claim", stored, now), stored)
        started = precise_instant_text(now)
        return self._put(
            stored,
            status="running",
            worker_id=worker_id,
            lease_expires_at=now.timestamp() + lease_seconds,
            started_at=started,
            first_attempt_at=stored.first_attempt_at or started,
            attempts=stored.attempts + 1,
            next_attempt_at="",
        )

    async def extend(self, held: Execution, lease_seconds: float) -> Execution:
        """Move the end of the lease."""
        stored = self._owned("extend", held)
        return self._put(stored, lease_expires_at=self._clock.now().timestamp() + lease_seconds)

    async def complete(self, held: Execution, output: Mapping[str, Any]) -> Execution:
        """running → completed."""
        text = output_text(output, held.room_for_output())
        return self._put(self._owned("complete", held), status="completed", output=text, error_type="")

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
        """running → failed."""
        message = error_text(error_message)
        return self._put(
            self._owned("fail", held),
            status="failed",
            attempts=held.attempts if counted else held.attempts - 1,
            error_type=error_type,
            error_message=message,
            retryable=retryable,
            output=output_text(output, held.room_for_output(message)) if output is not None else None,
        )

    async def retry_later(
        self, held: Execution, *, after_seconds: float, error_type: str, error_message: str
    ) -> Execution:
        """running → queued, the attempt stays counted."""
        return self._put(
            self._owned("retry_later", held),
            status="queued",
            error_type=error_type,
            error_message=error_text(error_message),
            retryable=True,
            next_attempt_at=instant_text(self._clock.now() + timedelta(seconds=after_seconds)),
            worker_id="",
            lease_expires_at=None,
        )

    async def give_back(self, held: Execution) -> Execution:
        """running → queued without the attempt."""
        stored = self._owned("give_back", held)
        return self._put(stored, status="queued", attempts=stored.attempts - 1, worker_id="", lease_expires_at=None)

    def _owned(self, transition: str, held: Execution) -> Execution:
        stored = self.items.get(held.execution_id)
        if stored is None:
            raise TransitionRefused(transition, held.execution_id, "missing", None)
        owner = (stored.status, stored.worker_id, stored.attempts)
        if owner != ("running", held.worker_id, held.attempts):
            reason = refusal_reason(transition, stored, self._clock.now())
            raise TransitionRefused(transition, held.execution_id, reason, stored)
        return stored

    def _put(self, stored: Execution, **changes: Any) -> Execution:
        changed = self.items[stored.execution_id] = stored.model_copy(update=changes)
        return changed
