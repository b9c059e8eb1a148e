"""Counters that count an execution once: a redelivered message must not count again."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.errors import StateConflict
from helpers.rules.steps import REMEMBERED_SECONDS


async def count_once(ctx: HelperContext[Any], key: str) -> int:
    """The counter's value for this execution: incremented by its first delivery, repeated for every other.

    A worker that dies between the two writes leaves a gap in the numbers, never a number used twice.
    """
    mark = f"{key}:{ctx.execution_id}"
    stored = await ctx.state.get(mark)
    if stored is None:
        number = await ctx.state.increment(key)
        try:
            await ctx.state.put(mark, {"number": number}, if_version=0, ttl_seconds=REMEMBERED_SECONDS)
        except StateConflict:
            stored = await ctx.state.get(mark)
        else:
            return number
    return int(stored.value["number"]) if stored else 0
