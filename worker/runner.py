"""What the worker runs for one helper type, and what follows the end of an execution."""

from __future__ import annotations

from typing import Any

from fleet.execution import Execution
from fleet.helper_runs import HelperRuns
from helpers.contract import Helper, HelperOutput
from worker.run_counter import RunCounter
from worker.settlement import Settlement

# By name: a worker that serves no chain does not import the helper.
CHAIN = "chain_it"


class HelperRunner:
    """Runs one helper type."""

    def __init__(
        self, helper: type[Helper[Any]], runs: HelperRuns, settlement: Settlement, run_counter: RunCounter
    ) -> None:
        self._helper = helper
        self._runs = runs
        self._settlement = settlement
        self._run_counter = run_counter

    @property
    def timeout_seconds(self) -> float:
        """The helper's own bound for one attempt."""
        return self._helper.timeout_seconds

    async def run(self, execution: Execution) -> HelperOutput:
        """Run the helper once. Raises HelperError."""
        return await self._runs.run(self._helper, execution)

    async def ended(self, execution: Execution, *, duplicate: bool) -> None:
        """What follows the end of an execution, before its message is deleted. Raises what kept it from happening:
        the message then comes back as a duplicate, and it happens again."""
        if execution.parent_execution_id or execution.helper_type == CHAIN:
            await self._settlement.settle(execution)
        if not duplicate:
            self._run_counter.count(execution.helper_id)
