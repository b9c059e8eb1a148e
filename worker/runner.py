"""One message: claim its execution, run the helper, store the result. Every failure becomes an outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from fleet.clock import SystemClock, parse_instant
from fleet.execution import Execution, TransitionRefused
from fleet.executions import ExecutionStore
from fleet.metrics import Metrics
from helpers import registry
from helpers.contract import HelperOutput
from helpers.errors import HelperCrashed, HelperError, TransientFailure
from worker.backoff import retry_delay
from worker.dead_letters import DeadLetters
from worker.outcomes import Duplicate, Failed, Interrupted, Outcome, RetryLater, Succeeded
from worker.settings import WorkerSettings
from worker.sqs import Message

log = structlog.get_logger(__name__)

# A lease that ends "now" is still alive for the condition; a second more and the takeover succeeds.
LEASE_MARGIN_SECONDS = 1.0
WRITE_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class RunPorts(Protocol):
    """Builds the ports of one run (connector, credentials, state, ...)."""

    async def run(self, execution: Execution) -> HelperOutput:
        """Run the helper of the execution once. Raises HelperError."""
        ...


Settle = Callable[[Execution], Awaitable[None]]


class Runner:
    """The handler of the consumer.

    Order: claim → run → (dead-letter queue) → result → delete. The result is written before the delete, so a failed
    delete finds it; the dead-letter copy is sent before the failure is written, so that a crash between the two
    repeats the copy instead of losing it. ``running`` holds the executions whose leases the heartbeat extends.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        worker_id: str,
        executions: ExecutionStore,
        runs: RunPorts,
        dead_letters: DeadLetters,
        metrics: Metrics,
        *,
        settle: Settle,
        clock: SystemClock | None = None,
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._executions = executions
        self._runs = runs
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._settle = settle
        self._clock = clock or SystemClock()
        self.running: dict[str, tuple[Execution, asyncio.Task[Any]]] = {}

    async def handle(self, message: Message) -> Outcome:
        """Everything one message asks for."""
        payload = message.payload()
        execution_id = str((payload or {}).get("execution_id") or "")
        structlog.contextvars.bind_contextvars(execution_id=execution_id, helper_type=message.queue.helper_type)
        if message.sent_at:
            queue_delay = max(0.0, (self._clock.now().timestamp() - message.sent_at) * 1000)
            self._metrics.observe("QueueDelay", queue_delay)
        poison = _poison(payload, execution_id, message.queue.helper_type)
        if poison:
            return await self._poison(message, execution_id, poison)
        try:
            execution = await self._executions.claim(
                execution_id, self._worker_id, self._settings.worker_visibility_seconds
            )
        except TransitionRefused as exc:
            return await self._not_claimed(message, exc)
        structlog.contextvars.bind_contextvars(account_id=execution.account_id, attempt=execution.attempts)
        if execution.attempts > self._settings.worker_max_attempts:
            # Earlier attempts never reported back: their workers died. One more would likely do the same.
            error = f"{execution.attempts - 1} attempts ended without a result: their workers died"
            return await self._give_up(message, execution, "WorkerDied", error, retryable=True)
        return await self._attempt(message, execution)

    async def extend_leases(self) -> None:
        """Extend the lease of every running execution; one that was lost is cancelled."""
        held = list(self.running.items())
        seconds = self._settings.worker_visibility_seconds
        results = await asyncio.gather(
            *(self._executions.extend(execution, seconds) for _, (execution, _) in held), return_exceptions=True
        )
        for (execution_id, (_execution, task)), result in zip(held, results, strict=True):
            if isinstance(result, TransitionRefused):
                log.warning("lease_lost", execution_id=execution_id, reason=result.reason)
                self._metrics.count("LeasesLost")
                if execution_id in self.running:
                    task.cancel("lease lost")
            elif isinstance(result, BaseException):
                log.warning("lease_extension_failed", execution_id=execution_id, error=repr(result))

    async def _attempt(self, message: Message, execution: Execution) -> Outcome:
        started = time.monotonic()
        task = asyncio.ensure_future(self._run_helper(execution))
        self.running[execution.execution_id] = (execution, task)
        try:
            result = await task
        except asyncio.CancelledError:
            task.cancel()
            # Whoever cancelled us waits for the attempt to be given back: shield it from a second cancellation.
            await asyncio.shield(self._interrupted(execution))
            return Interrupted()
        finally:
            del self.running[execution.execution_id]
        outcome = await asyncio.shield(asyncio.ensure_future(self._record(message, execution, result)))
        self._metrics.observe("HandlerTime", (time.monotonic() - started) * 1000, Outcome=type(outcome).__name__)
        return outcome

    async def _run_helper(self, execution: Execution) -> HelperOutput | HelperError:
        """The helper's output or its error; only cancellation gets out."""
        try:
            helper = registry.load(execution.helper_type)
            async with asyncio.timeout(helper.timeout_seconds) as limit:
                return await self._runs.run(execution)
        except TimeoutError as exc:
            if limit.expired():
                return TransientFailure(f"no result after {helper.timeout_seconds:g} s")
            return HelperCrashed(f"TimeoutError: {exc}")
        except HelperError as exc:
            return exc
        except asyncio.CancelledError:
            raise
        except BaseException as exc:
            log.exception("helper_crashed")
            return HelperCrashed(f"{type(exc).__name__}: {exc}")

    async def _record(self, message: Message, execution: Execution, result: HelperOutput | HelperError) -> Outcome:
        if isinstance(result, HelperOutput):
            output = result.model_dump(mode="json")
            if result.success:
                await self._write(lambda: self._executions.complete(execution, output))
                await self._settled(execution, "completed")
                log.info("execution_completed")
                return Succeeded()
            error = result.message or "the helper reported failure"
            await self._write(
                lambda: self._executions.fail(execution, error_type="HelperFailed", error_message=error, output=output)
            )
            await self._settled(execution, "failed")
            log.info("execution_failed", error_type="HelperFailed")
            return Failed("HelperFailed", error)
        error_type, error = type(result).__name__, str(result)
        if not result.retryable:
            await self._write(lambda: self._executions.fail(execution, error_type=error_type, error_message=error))
            await self._settled(execution, "failed")
            log.info("execution_failed", error_type=error_type, error=error)
            return Failed(error_type, error)
        if execution.attempts >= self._settings.worker_max_attempts:
            return await self._give_up(message, execution, error_type, error, retryable=True)
        after = retry_delay(
            execution.attempts,
            result.retry_after,
            base_seconds=self._settings.worker_backoff_base_seconds,
            cap_seconds=self._settings.worker_backoff_cap_seconds,
        )
        await self._write(
            lambda: self._executions.retry_later(
                execution, after_seconds=after, error_type=error_type, error_message=error
            )
        )
        log.info("execution_retried_later", error_type=error_type, after_seconds=round(after, 1))
        return RetryLater(after, error_type)

    async def _give_up(
        self, message: Message, execution: Execution, error_type: str, error: str, *, retryable: bool
    ) -> Outcome:
        await self._dead_letters.send(message, error_type=error_type, error=error, execution=execution)
        await self._write(
            lambda: self._executions.fail(execution, error_type=error_type, error_message=error, retryable=retryable)
        )
        await self._settled(execution, "failed")
        log.warning("attempts_exhausted", error_type=error_type, attempts=execution.attempts)
        return Failed(error_type, error)

    async def _interrupted(self, execution: Execution) -> None:
        try:
            await self._write(lambda: self._executions.give_back(execution))
        except Exception:
            # The lease ends by itself; the attempt then counts, which costs one retry and loses nothing.
            log.exception("give_back_failed")
        else:
            self._metrics.count("Interrupted")
            log.info("attempt_given_back")

    async def _poison(self, message: Message, execution_id: str, reason: str) -> Outcome:
        log.error("poison_message", message_id=message.message_id, reason=reason)
        await self._dead_letters.send(message, error_type="Poison", error=reason)
        if execution_id:
            try:
                await self._executions.reject(execution_id, error_type="Poison", error_message=reason)
            except TransitionRefused as exc:
                log.info("poison_execution_left_alone", refusal=exc.reason)
        return Failed("Poison", reason)

    async def _not_claimed(self, message: Message, refused: TransitionRefused) -> Outcome:
        stored = refused.stored
        match refused.reason:
            case "missing":
                return await self._poison(message, "", f"execution {refused.execution_id} is not stored (any more)")
            case "terminal":
                assert stored is not None  # noqa: S101 - that reason implies a stored item
                # Its worker may have died between the result and what follows from it.
                await self._settled(stored, stored.status)
                self._metrics.count("Duplicates")
                log.info("duplicate_acknowledged", status=stored.status)
                return Duplicate(stored.status)
            case "running":
                remaining = (stored.lease_expires_at if stored else None) or 0.0
                wait = max(0.0, remaining - self._clock.now().timestamp()) + LEASE_MARGIN_SECONDS
                log.info("execution_runs_elsewhere", wait_seconds=round(wait, 1))
                return RetryLater(wait, "its lease is held by another worker")
            case "not_due":
                due = parse_instant(stored.not_before) if stored else self._clock.now()
                wait = max(1.0, (due - self._clock.now()).total_seconds())
                return RetryLater(min(wait, 43_000.0), "it is not due yet")
            case _:
                return RetryLater(5.0, refused.reason)

    async def _settled(self, execution: Execution, status: str) -> None:
        if execution.parent_execution_id and execution.chain_group:
            await self._write(lambda: self._settle(execution.model_copy(update={"status": status})))

    async def _write(self, write: Callable[[], Awaitable[object]]) -> None:
        """Store something that exists in this process only: tried again while the heartbeat keeps the lease.

        A refused transition is final: the lease went to another worker, whose result counts.
        """
        for delay in (*WRITE_RETRY_SECONDS, None):
            try:
                await write()
            except TransitionRefused as exc:
                log.warning("result_refused", transition=exc.transition, reason=exc.reason)
                return
            except Exception as exc:
                if delay is None:
                    raise
                log.warning("result_write_failed", error=repr(exc))
                await self._clock.sleep(delay)
            else:
                return


def _poison(payload: dict[str, Any] | None, execution_id: str, helper_type: str) -> str:
    """Why the message can never be worked on; "" when it can."""
    if payload is None:
        return "the body is not a JSON object"
    if not execution_id:
        return "the body names no execution_id"
    if payload.get("helper_type") != helper_type:
        return f"the body is for helper type {payload.get('helper_type')!r}, this is the queue of {helper_type!r}"
    return ""
