"""A goal that is fired later by a child execution, of which a contact has one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import StateConflict
from helpers.ports import StoredHelper
from helpers.rules.children import Parent, child_item


async def schedule_goal(ctx: HelperContext[Any], goal: str, now: datetime, due: datetime) -> str | None:
    """The id of the child that fires the goal when it is due, None where a guard refuses it."""
    if ctx.depth >= ctx.settings.chain_max_depth:
        return None
    goal_it = StoredHelper(
        helper_id=ctx.helper_id,
        helper_type="goal_it",
        account_id=ctx.account_id,
        connection_id=ctx.connection_id,
        config={"goal_name": goal, "integration": "myfusionhelper"},
    )
    child = child_item(Parent.running(ctx), goal_it, goal_it.config, group="primary", index=0, now=now, not_before=due)
    execution_id = str(child["execution_id"])
    if not await ctx.executions.spawn(child):
        return None
    await _replace_pending(ctx, execution_id)
    return execution_id


async def _replace_pending(ctx: HelperContext[Any], execution_id: str) -> None:
    """Remember this child as the contact's pending one and cancel the one before it."""
    key = f"timezone_trigger:{ctx.account_id}:{ctx.helper_id}:{ctx.contact_id}"
    while True:
        stored = await ctx.state.get(key)
        previous = stored.value["execution_id"] if stored else ""
        if previous == execution_id:
            return
        try:
            await ctx.state.put(key, {"execution_id": execution_id}, if_version=stored.version if stored else 0)
        except StateConflict:
            continue  # another run of this contact: look again
        if previous:
            await ctx.executions.cancel(previous)
        return
