"""What the processing of a message needs from outside: the executions, the runner of a helper, and the policy."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fleet.execution import Execution
from helpers.contract import HelperOutput


class Executions(Protocol):
    """The worker's part of `fleet.executions.ExecutionStore`. Refusals raise TransitionRefused."""

    def claim(self, execution_id: str, worker_id: str, lease_seconds: float) -> Awaitable[Execution]: ...
    def extend(self, held: Execution, lease_seconds: float) -> Awaitable[Execution]: ...
    def complete(self, held: Execution, output: Mapping[str, Any]) -> Awaitable[Execution]: ...
    def fail(
        self,
        held: Execution,
        *,
        error_type: str,
        error_message: str,
        retryable: bool = False,
        output: Mapping[str, Any] | None = None,
        counted: bool = True,
    ) -> Awaitable[Execution]: ...
    def retry_later(
        self, held: Execution, *, after_seconds: float, error_type: str, error_message: str
    ) -> Awaitable[Execution]: ...
    def give_back(self, held: Execution) -> Awaitable[Execution]: ...


class Runner(Protocol):
    """Runs the helper of a claimed execution."""

    @property
    def timeout_seconds(self) -> float: ...
    async def run(self, execution: Execution) -> HelperOutput: ...
    async def ended(self, execution: Execution, *, duplicate: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of retries and leases."""

    max_attempts: int
    lease_seconds: int
    backoff_base_seconds: float
    backoff_cap_seconds: float
    cancel_grace_seconds: float
