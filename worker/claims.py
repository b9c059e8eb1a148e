"""The claims of one worker on executions: one at a time for each, and one whose answer got lost is known again."""

from __future__ import annotations

from fleet.execution import Execution
from fleet.transition import TransitionRefused
from helpers.ports import Clock
from worker.ports import Executions


class Claims:
    """Claims executions for a worker. What :meth:`claim` gave is in hand until :meth:`release`."""

    def __init__(self, executions: Executions, worker_id: str, lease_seconds: int, clock: Clock) -> None:
        self._executions = executions
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._in_hand: set[str] = set()
        # Claims that failed without an answer, and when they were sent: they may have been written.
        self._unanswered: dict[str, float] = {}

    async def claim(self, execution_id: str) -> Execution:
        """Claim with a whole lease. Raises TransitionRefused, without ``stored`` when this worker has it in hand."""
        if execution_id in self._in_hand:
            # A second message of it, in another group (a redrive by hand): its claim would pass for our own.
            raise TransitionRefused("claim", execution_id, "running", None)
        self._in_hand.add(execution_id)
        try:
            return await self._claim(execution_id)
        except BaseException:
            self._in_hand.discard(execution_id)
            raise

    def release(self, execution_id: str) -> None:
        """The work on it has ended, whichever way."""
        self._in_hand.discard(execution_id)

    async def _claim(self, execution_id: str) -> Execution:
        began = self._clock.now().timestamp()
        try:
            try:
                held = await self._executions.claim(execution_id, self._worker_id, self._lease_seconds)
            except TransitionRefused as exc:
                held = await self._own(exc, began)
        except TransitionRefused:
            raise
        except Exception:
            self._unanswered = {known: at for known, at in self._unanswered.items() if at > began - self._lease_seconds}
            self._unanswered.setdefault(execution_id, began)
            raise
        self._unanswered.pop(execution_id, None)
        return held

    async def _own(self, refusal: TransitionRefused, began: float) -> Execution:
        """Our own claim, whose answer got lost: written within this call (the client repeats calls), or by an earlier
        call that failed without telling. Raises the refusal when it is somebody else's."""
        stored = refusal.stored
        if stored is None or stored.status != "running" or stored.worker_id != self._worker_id:
            raise refusal
        # Stored instants are cut to milliseconds.
        if stored.started_epoch < min(self._unanswered.get(refusal.execution_id, began), began) - 0.001:
            raise refusal
        # Its lease counts from the call that got no answer, and may end before the next heartbeat.
        return await self._executions.extend(stored, self._lease_seconds)
