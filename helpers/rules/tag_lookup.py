"""Tags that have to exist: integration spec, calendly_it and the zoom reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from helpers.contract import Action, HelperContext
from helpers.crm.models import Tag
from helpers.rules.effects import Effects


def find_tag(tags: Iterable[Tag], reference: str) -> Tag | None:
    """The tag with that id, else of that name (trimmed, in any case); None where neither exists."""
    tags = list(tags)
    wanted = reference.strip()
    by_id = next((tag for tag in tags if tag.id == wanted), None)
    return by_id or next((tag for tag in tags if tag.name.strip().casefold() == wanted.casefold()), None)


async def apply_existing(ctx: HelperContext[Any], effects: Effects, tags: Iterable[Tag], reference: str) -> bool:
    """Apply the tag that the reference means; one that does not exist leaves a line in the log. True when it was done.

    ``tags`` are the account's; the action tells the reference as configured.
    """
    tag = find_tag(tags, reference)
    if tag is None:
        ctx.log(f"tag {reference!r} does not exist: skipped")
        return False
    return await effects.attempt(f"apply tag {reference!r}", _apply(ctx, tag.id, reference))


async def _apply(ctx: HelperContext[Any], tag_id: str, reference: str) -> Action:
    await ctx.crm.apply_tag(ctx.contact_id, tag_id)
    return Action.tag_applied(ctx.contact_id, reference)
