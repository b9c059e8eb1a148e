"""One message from claim to settlement.

The order of writes is what makes redelivery harmless: the result is stored before the delete, the dead letter is sent
before the execution fails, the execution is queued again before its message is released.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from fleet.clock import parse_instant
from fleet.execution import Execution
from fleet.metrics import Metrics
from fleet.transition import TransitionRefused
from helpers.ports import Clock
from worker.acknowledger import Acknowledger
from worker.attempt import HelperRunsAway, attempt
from worker.backoff import full_jitter, retry_delay
from worker.claims import Claims
from worker.dead_letters import DeadLetters
from worker.groups import Abandoned, Lane, Postponed, Settled, Verdict
from worker.message import Message, Poison, execution_id_of
from worker.outcomes import Failed, Interrupted, Interruption, Outcome, RetryLater, Succeeded
from worker.ports import Executions, Policy, Runner

log = structlog.get_logger(__name__)

T = TypeVar("T")

WRITE_TRIES = 6
WRITE_BACKOFF_BASE_SECONDS = 0.2
WRITE_BACKOFF_CAP_SECONDS = 5.0


class Processor:
    """Works on the messages of one helper type; many at once, one call for each."""

    def __init__(
        self,
        helper_type: str,
        worker_id: str,
        executions: Executions,
        runner: Runner,
        acknowledger: Acknowledger,
        dead_letters: DeadLetters,
        metrics: Metrics,
        policy: Policy,
        *,
        clock: Clock,
        on_runaway: Callable[[BaseException], None],
    ) -> None:
        self._helper_type = helper_type
        self._claims = Claims(executions, worker_id, policy.lease_seconds, clock)
        self._executions = executions
        self._runner = runner
        self._acknowledger = acknowledger
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._policy = policy
        self._clock = clock
        self._on_runaway = on_runaway
        self.running: dict[str, float] = {}

    async def process(self, message: Message, lane: Lane) -> Verdict:
        """Work on one message. Raises only what is nobody's plan: an outage of table or queue."""
        if message.receive_count > 1:
            self._metrics.count("MessagesRedelivered", helper_type=self._helper_type)
        try:
            execution_id = execution_id_of(message, self._helper_type)
        except Poison as exc:
            return await self._bury(message, error_type="Poison", error=str(exc))
        if lane.interruption is not None:
            return Postponed(0)
        try:
            held = await self._claims.claim(execution_id)
        except TransitionRefused as exc:
            return await self._refused(message, exc)
        left = (held.lease_expires_at or 0.0) - self._clock.now().timestamp()
        message.claim, message.lease_until = held, asyncio.get_running_loop().time() + left
        # The task belongs to the group: what is bound here is overwritten by the group's next message.
        structlog.contextvars.bind_contextvars(
            execution_id=execution_id,
            helper_type=self._helper_type,
            account_id=held.account_id,
            attempt=held.attempts,
        )
        try:
            return await self._work(message, lane, held)
        finally:
            structlog.contextvars.unbind_contextvars("execution_id", "account_id", "attempt")
            message.claim, message.lease_until = None, math.inf
            self._claims.release(execution_id)

    async def _refused(self, message: Message, refusal: TransitionRefused) -> Verdict:
        stored = refusal.stored
        log.info(
            "claim_refused",
            execution_id=refusal.execution_id,
            helper_type=self._helper_type,
            reason=refusal.reason,
            status=stored.status if stored else None,
        )
        if refusal.reason == "missing":
            return await self._bury(
                message,
                error_type="ExecutionMissing",
                error="the executions table has no such execution",
                execution_id=refusal.execution_id,
            )
        if refusal.reason == "running" and stored is not None:
            # Another worker has it. When that one is dead its lease ends, and the message is back just then.
            remaining = (stored.lease_expires_at or 0) - self._clock.now().timestamp()
            return Postponed(max(1, min(self._policy.lease_seconds, math.ceil(remaining))))
        if refusal.reason == "terminal" and stored is not None:
            self._metrics.count("DuplicatesAcknowledged", helper_type=self._helper_type)
            return await self._ended(message, stored, duplicate=True)
        if refusal.reason == "not_due" and stored is not None:
            # SQS hides a message for twelve hours at most: a longer Retry-After takes several turns.
            remaining = parse_instant(stored.due_at).timestamp() - self._clock.now().timestamp()
            return Postponed(max(1, math.ceil(remaining)))
        # wrong_state: being rewritten right now; or running here, under another message
        return Postponed(retry_delay(3, self._policy.backoff_base_seconds, self._policy.backoff_cap_seconds, None))

    # working --------------------------------------------------------------------------------------------
    async def _work(self, message: Message, lane: Lane, held: Execution) -> Verdict:
        try:
            if held.attempts > self._policy.max_attempts:
                # Only a worker that died in the last attempt leaves an execution like this.
                error = held.error_message or "the last attempt ended with the death of its worker"
                return await self._exhausted(message, held, RetryLater(held.error_type or "WorkerDied", error))
            outcome = await self._attempt(message, lane, held)
            return Abandoned() if outcome is None else await self._settle(message, held, outcome)
        except TransitionRefused as exc:
            return await self._lost(message, held, exc)

    async def _attempt(self, message: Message, lane: Lane, held: Execution) -> Outcome | None:
        """Run the helper once; None when it ignores its cancellation and runs on."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if message.safe_until <= started:
            # The claim took so long that it may be somebody else's by now.
            lane.interrupt(Interruption.HANDLE_LOST)
        delay = self._clock.now().timestamp() - message.sent_at
        self._metrics.observe("QueueDelay", max(0.0, delay * 1000), helper_type=self._helper_type)
        self.running[held.execution_id] = started
        try:
            outcome = await attempt(
                lambda: self._runner.run(held),
                lane,
                timeout_seconds=self._runner.timeout_seconds,
                grace_seconds=self._policy.cancel_grace_seconds,
            )
        except HelperRunsAway as exc:
            log.critical("helper_ignores_cancellation", execution_id=held.execution_id)
            self._on_runaway(exc)
            # Neither deleted nor given back: the lease must end before anybody else may run it.
            return None
        finally:
            del self.running[held.execution_id]
        self._metrics.observe(
            "HandlerTime",
            (loop.time() - started) * 1000,
            helper_type=self._helper_type,
            outcome=type(outcome).__name__,
        )
        return outcome

    async def _settle(self, message: Message, held: Execution, outcome: Outcome) -> Verdict:
        match outcome:
            case Succeeded(output):
                ended = await self._insist(lambda: self._executions.complete(held, output))
            case Failed(error_type, error, failed_output):
                log.info("execution_failed", error_type=error_type, error=error)
                ended = await self._insist(
                    lambda: self._executions.fail(
                        held, error_type=error_type, error_message=error, output=failed_output
                    )
                )
            case RetryLater():
                if held.attempts >= self._policy.max_attempts:
                    return await self._exhausted(message, held, outcome)
                return await self._retry_later(message, held, outcome)
            case Interrupted(reason):
                return await self._give_back(held, reason)
        return await self._ended(message, ended)

    async def _ended(self, message: Message, ended: Execution, *, duplicate: bool = False) -> Verdict:
        await self._runner.ended(ended, duplicate=duplicate)
        if not duplicate:
            # Without the helper type: one alarm on the share of failures watches every type.
            self._metrics.count("ExecutionsEnded", outcome=str(ended.status))
        self._acknowledger.acknowledge(message)
        return Settled()

    async def _retry_later(self, message: Message, held: Execution, outcome: RetryLater) -> Verdict:
        delay = retry_delay(
            held.attempts, self._policy.backoff_base_seconds, self._policy.backoff_cap_seconds, outcome.after
        )
        if held.ttl is not None and self._clock.now().timestamp() + delay >= held.ttl:
            # The table forgets it before: its message would then end as the one of a missing execution.
            error = f"{outcome.error}; the next attempt, in {delay} s, would come after the execution's time to live"
            return await self._exhausted(message, held, replace(outcome, error=error))
        await self._insist(
            lambda: self._executions.retry_later(
                held, after_seconds=delay, error_type=outcome.error_type, error_message=outcome.error
            )
        )
        log.info("execution_retried_later", after_seconds=delay, error_type=outcome.error_type, error=outcome.error)
        self._metrics.observe("GroupBlocked", delay * 1000, helper_type=self._helper_type)
        return Postponed(delay)

    async def _exhausted(self, message: Message, held: Execution, outcome: RetryLater) -> Verdict:
        """The dead letter goes first: a worker that dies after the failed write would never send it."""
        made = self._attempts_made(held)
        await self._insist(
            lambda: self._dead_letters.send(
                message,
                error_type=outcome.error_type,
                error=outcome.error,
                execution_id=held.execution_id,
                execution=held.model_copy(update={"attempts": made}),
            )
        )
        ended = await self._insist(
            lambda: self._executions.fail(
                held,
                error_type=outcome.error_type,
                error_message=outcome.error,
                retryable=True,
                counted=made == held.attempts,
            )
        )
        log.warning("execution_exhausted", attempts=made, error_type=outcome.error_type, error=outcome.error)
        return await self._ended(message, ended)

    def _attempts_made(self, held: Execution) -> int:
        """Without the claim that only found the last attempt dead."""
        return held.attempts - (held.attempts > self._policy.max_attempts)

    async def _give_back(self, held: Execution, reason: Interruption) -> Verdict:
        log.warning("execution_interrupted", reason=reason)
        self._metrics.count("ExecutionsInterrupted", helper_type=self._helper_type, reason=reason)
        if reason is Interruption.LEASE_LOST:
            return Abandoned()
        await self._insist(lambda: self._executions.give_back(held))
        return Abandoned() if reason is Interruption.HANDLE_LOST else Postponed(0)

    # writing --------------------------------------------------------------------------------------------
    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write, with backoff while it fails: the helper has done its work, its result is worth more than one try."""
        for number in range(1, WRITE_TRIES):
            try:
                return await write()
            except TransitionRefused:
                raise
            except Exception as exc:  # noqa: BLE001 - the last try raises whatever it is
                self._metrics.count("WriteFailures")
                log.warning("settlement_write_failed", error=str(exc), attempt=number)
            await asyncio.sleep(full_jitter(number, WRITE_BACKOFF_BASE_SECONDS, WRITE_BACKOFF_CAP_SECONDS))
        return await write()

    async def _lost(self, message: Message, held: Execution, refusal: TransitionRefused) -> Verdict:
        stored = refusal.stored
        ours = (held.worker_id, self._attempts_made(held))
        if stored is not None and stored.is_terminal and (stored.worker_id, stored.attempts) == ours:
            # Our own write: it went through, its answer got lost, and the repeated call met it.
            return await self._ended(message, stored)
        log.warning("claim_lost", transition=refusal.transition, reason=refusal.reason)
        self._metrics.count("ClaimsLost", helper_type=self._helper_type)
        return Abandoned()

    async def _bury(self, message: Message, *, error_type: str, error: str, execution_id: str = "") -> Verdict:
        await self._dead_letters.send(message, error_type=error_type, error=error, execution_id=execution_id)
        self._acknowledger.acknowledge(message)
        return Settled()
