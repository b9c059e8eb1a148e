"""Finds helpers: `inventory.json` says which types exist, `helpers/<category>/<type>.py` is where one lives.

Only what is asked for is imported, so a worker of one type stays small.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from helpers.contract import CATEGORIES, Example, Helper, HelperConfig
from helpers.errors import IncompleteHelper, UnknownHelperType

INVENTORY_PATH = Path(__file__).with_name("inventory.json")


@cache
def inventory() -> dict[str, str]:
    """helper type -> category, in the order of the file."""
    by_category: dict[str, list[str]] = json.loads(INVENTORY_PATH.read_text())
    return {helper_type: category for category, types in by_category.items() for helper_type in types}


def select(selector: str) -> list[str]:
    """The types that a HELPER_TYPE names: one type, a comma list, ``category:contact`` or ``*``.

    Raises UnknownHelperType for a type or category that the inventory does not have.
    """
    chosen: dict[str, None] = {}
    for part in (piece.strip() for piece in selector.split(",")):
        if part == "*":
            matches: Iterable[str] = inventory()
        elif part.startswith("category:"):
            matches = [t for t, category in inventory().items() if category == part.removeprefix("category:")]
        else:
            matches = [part] if part in inventory() else []
        if not matches:
            raise UnknownHelperType(
                f"HELPER_TYPE {selector!r}: {part!r} is no helper type; write a type of helpers/inventory.json, "
                f"a comma list, category:<{'|'.join(CATEGORIES)}> or *"
            )
        chosen.update(dict.fromkeys(matches))
    return list(chosen)


@cache
def load(helper_type: str) -> type[Helper[Any]]:
    """The helper class of that type. Raises UnknownHelperType or IncompleteHelper."""
    category = inventory().get(helper_type)
    if category is None:
        raise UnknownHelperType(f"unknown helper type {helper_type!r}")
    module = importlib.import_module(f"helpers.{category}.{helper_type}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Helper) and value.__dict__.get("type") == helper_type:
            check_metadata(value, category)
            return value
    raise IncompleteHelper(f"{module.__name__} has no Helper class with type = {helper_type!r}")


def load_all() -> dict[str, type[Helper[Any]]]:
    """Every helper of the inventory, by type."""
    return {helper_type: load(helper_type) for helper_type in inventory()}


def check_metadata(helper: type[Helper[Any]], category: str) -> None:
    """Raise IncompleteHelper unless the class says all that docs, schemas and the runtime need."""
    missing = [
        name for name in ("type", "name", "category", "description") if not str(getattr(helper, name, "")).strip()
    ]
    if not isinstance(getattr(helper, "example", None), Example):
        missing.append("example")
    config = getattr(helper, "Config", None)
    if not (isinstance(config, type) and issubclass(config, HelperConfig)):
        missing.append("Config (write class X(Helper[Config]))")
    if missing:
        raise IncompleteHelper(f"{helper.__module__}.{helper.__name__} lacks {', '.join(missing)}")
    if helper.category != category or category not in CATEGORIES:
        raise IncompleteHelper(
            f"{helper.type}: category {helper.category!r} does not match inventory.json ({category!r})"
        )
    if helper.timeout_seconds <= 0:
        raise IncompleteHelper(f"{helper.type}: timeout_seconds must be positive")


def schema(helper_type: str) -> dict[str, Any]:
    """The published JSON schema of the helper's config."""
    return load(helper_type).Config.json_schema()
