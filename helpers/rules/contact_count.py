"""Saving a number of contacts: query_it_basic and search_it."""

from __future__ import annotations

from typing import Any

from helpers.contract import Action, HelperContext
from helpers.rules.effects import best_effort


async def save_count(ctx: HelperContext[Any], field: str | None, count: int) -> list[Action]:
    """Write the count to a field of the current contact, if both are there; a failure is only logged."""
    if not field or not ctx.contact_id:
        return []
    return await best_effort(ctx, f"writing {field}", ctx.write(field, count))
