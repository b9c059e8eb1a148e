"""External effects happen once for an execution: spec integration C5.

A delivery that died between the call and its end finds the record of the call and goes on behind it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import StateConflict

# Longer than a message can come again: 14 days in the queue.
REMEMBERED_SECONDS = 15 * 86_400


async def once(ctx: HelperContext[Any], step: str, act: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The result of the step: of this call, or of the earlier delivery of this execution that made it.

    The result is JSON without secrets. A step that raises leaves no record. The record is written after the effect:
    a worker that dies between the two repeats it, with the same idempotency key.
    """
    key = f"step:{ctx.account_id}:{ctx.execution_id}:{step}"
    done = await ctx.state.get(key)
    if done is not None:
        ctx.log(f"{step} was done by an earlier delivery of this execution")
        return dict(done.value["result"])
    result = await act()
    try:
        await ctx.state.put(key, {"result": result}, if_version=0, ttl_seconds=REMEMBERED_SECONDS)
    except StateConflict:
        ctx.log(f"{step} was recorded by another delivery meanwhile")
    return result


def idempotency_headers(ctx: HelperContext[Any], index: int | None = None) -> dict[str, str]:
    """Headers that let the receiver tell a repetition: stable over re-deliveries, one key for each call."""
    key = ctx.execution_id if index is None else f"{ctx.execution_id}:{index}"
    return {"Idempotency-Key": key, "X-Execution-Id": ctx.execution_id}
