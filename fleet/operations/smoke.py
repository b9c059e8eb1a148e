"""One execution from end to end: table, stream, router, queue, worker, result. What a deployment ends with."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fleet.clock import instant_text
from fleet.execution import RETENTION, Execution, new_execution_id
from fleet.executions import ExecutionStore
from helpers.errors import MyFusionError

# It needs no CRM and no contact, and reaches nothing outside: nobody's data changes.
HELPER_TYPE = "route_it_by_day"
CONFIG = {"day_routes": {"Monday": "https://example.com/monday"}, "fallback_url": "https://example.com/"}
ACCOUNT = "smoke"
POLL_SECONDS = 0.5
WHERE = {
    "queued": "no router sent it, or no worker received it; look at the router's log and the worker's events",
    "running": "a worker took it and has not ended it: look at the worker's log",
}


class SmokeFailed(MyFusionError):
    """The execution did not complete; the message says how far it came."""


async def smoke(executions: ExecutionStore, *, timeout_seconds: float) -> Execution:
    """Store an execution and wait until the fleet has completed it. Raises SmokeFailed."""
    now = datetime.now(UTC)
    wanted = Execution(
        execution_id=new_execution_id(),
        helper_type=HELPER_TYPE,
        account_id=ACCOUNT,
        config=CONFIG,
        trigger_type="smoke",
        created_at=instant_text(now),
        ttl=int((now + RETENTION).timestamp()),
    )
    stored, _ = await executions.create(wanted)
    try:
        async with asyncio.timeout(timeout_seconds):
            while not stored.is_terminal:
                await asyncio.sleep(POLL_SECONDS)
                stored = await executions.get(wanted.execution_id) or stored
    except TimeoutError:
        where = WHERE.get(stored.status, "")
        raise SmokeFailed(f"{stored.execution_id} is {stored.status} after {timeout_seconds:g} s: {where}") from None
    if stored.status != "completed":
        raise SmokeFailed(f"{stored.execution_id} is {stored.status}: {stored.error_message}")
    return stored
