"""Tags that have to exist: integration spec, calendly_it and the zoom reports."""

from __future__ import annotations

from collections.abc import Iterable

from helpers.crm.models import Tag


def find_tag(tags: Iterable[Tag], reference: str) -> Tag | None:
    """The tag with that id, else of that name (trimmed, in any case); None where neither exists."""
    tags = list(tags)
    wanted = reference.strip()
    by_id = next((tag for tag in tags if tag.id == wanted), None)
    return by_id or next((tag for tag in tags if tag.name.strip().casefold() == wanted.casefold()), None)
