"""Which tags are meant (spec tagging T2 and T3), and how the change of a tag with a meaning is told."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from helpers.contract import Action
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


async def labelled(change: Awaitable[Action], tag: str, label: str) -> Action:
    """The action of a tag that stands for a label (level, segment): its target is the tag, its value the label."""
    action = await change
    return Action(type=action.type, target=tag, value=label)


def _folded(name: str) -> str:
    return name.strip().casefold()
