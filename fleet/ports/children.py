"""Child executions: `helpers.ports.ExecutionSpawner` on the executions table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.clock import SystemClock, instant_text
from fleet.execution import Execution, schedule_bucket
from fleet.executions import ExecutionStore
from fleet.transition import TransitionRefused


class ChildExecutions:
    """Writes the children that a run hands over; the stream dispatches them like any other execution."""

    def __init__(self, executions: ExecutionStore, *, clock: SystemClock | None = None) -> None:
        self._executions = executions
        self._clock = clock or SystemClock()

    async def spawn(self, child: Mapping[str, Any]) -> bool:
        """Store the child within its root's budget; True when it exists afterwards."""
        execution = Execution.model_validate(dict(child))
        updates: dict[str, Any] = {}
        if not execution.created_at:
            updates["created_at"] = instant_text(self._clock.now())
        # The schedule index holds what waits for nothing but time; a child with a predecessor enters it on release.
        if execution.status == "scheduled" and not execution.depends_on_execution_id:
            updates["schedule_bucket"] = schedule_bucket(execution.execution_id)
        return await self._executions.spawn(execution.model_copy(update=updates) if updates else execution)

    async def cancel(self, execution_id: str) -> bool:
        """Cancel a child that has not started; True when it is cancelled now."""
        try:
            await self._executions.cancel(execution_id, "replaced by a newer run")
        except TransitionRefused as exc:
            return exc.stored is not None and exc.stored.status == "cancelled"
        return True
