"""External effects happen once for an execution: spec integration C5.

A delivery that died between the call and its end finds the record of the call and goes on behind it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import HelperError, StateConflict, UnknownOutcome

# Longer than a message can come again: 14 days in the queue.
REMEMBERED_SECONDS = 15 * 86_400


async def once(
    ctx: HelperContext[Any], step: str, act: Callable[[], Awaitable[dict[str, Any]]], *, repeatable: bool = True
) -> dict[str, Any]:
    """The result of the step: of this call, or of the earlier delivery of this execution that made it.

    The result is JSON without secrets. A step that raises leaves no record. The record is written after the effect:
    a worker that dies between the two repeats it, with the same idempotency key. ``repeatable=False`` forbids that
    repetition: the step is announced before it is made, and a delivery that finds an announcement without a result
    raises UnknownOutcome. The announcement also stays where the step itself raises UnknownOutcome.
    """
    key = f"step:{ctx.account_id}:{ctx.execution_id}:{step}"
    done = await ctx.state.get(key)
    if done is not None and "result" in done.value:
        ctx.log(f"{step} was done by an earlier delivery of this execution")
        return dict(done.value["result"])
    if repeatable:
        result = await act()
    else:
        result = await _announced(ctx, key, step, act)
    try:
        await ctx.state.put(
            key, {"result": result}, if_version=0 if repeatable else None, ttl_seconds=REMEMBERED_SECONDS
        )
    except StateConflict:
        ctx.log(f"{step} was recorded by another delivery meanwhile")
    return result


async def _announced(
    ctx: HelperContext[Any], key: str, step: str, act: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    try:
        await ctx.state.put(key, {"sent": True}, if_version=0, ttl_seconds=REMEMBERED_SECONDS)
    except StateConflict as exc:
        raise UnknownOutcome(
            f"unknown outcome: an earlier delivery of this execution began the {step} and did not end"
        ) from exc
    try:
        return await act()
    except UnknownOutcome:
        # A worker may die before the execution is failed: its next delivery must find the announcement.
        raise
    except HelperError:
        await ctx.state.delete(key)
        raise


def idempotency_headers(ctx: HelperContext[Any], index: int | None = None) -> dict[str, str]:
    """Headers that let the receiver tell a repetition: stable over re-deliveries, one key for each call."""
    key = ctx.execution_id if index is None else f"{ctx.execution_id}:{index}"
    return {"Idempotency-Key": key, "X-Execution-Id": ctx.execution_id}
