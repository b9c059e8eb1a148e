"""Which tags are meant: spec tagging T2 and T3."""

from __future__ import annotations

from collections.abc import Iterable

from helpers.crm.models import Tag


def ids_in_category(tags: Iterable[Tag], category: str) -> set[str]:
    """Ids of the definitions in that category, by name, trimmed and in any case; a blank category matches none."""
    wanted = _folded(category)
    return {tag.id for tag in tags if wanted and _folded(tag.category) == wanted}


def find_by_name(tags: Iterable[Tag], name: str) -> Tag | None:
    """The tag of exactly that name, else of that name trimmed and in any case."""
    tags = list(tags)
    exact = next((tag for tag in tags if tag.name == name), None)
    return exact or next((tag for tag in tags if _folded(tag.name) == _folded(name)), None)


def _folded(name: str) -> str:
    return name.strip().casefold()
