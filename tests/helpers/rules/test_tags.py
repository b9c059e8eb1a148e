from __future__ import annotations

import pytest

from helpers.crm.models import Tag
from helpers.rules.tags import find_by_name, ids_in_category

TAGS = [
    Tag(id="1", name="gold", category="Plans"),
    Tag(id="2", name="Gold", category=" plans"),
    Tag(id="3", name=" VIP ", category=""),
]


@pytest.mark.parametrize(
    ("name", "tag_id"), [("Gold", "2"), ("gold", "1"), ("GOLD", "1"), ("vip", "3"), ("none", None)]
)
def test_an_exact_name_wins(name: str, tag_id: str | None) -> None:
    """Then the first one of that name, trimmed and in any case."""
    found = find_by_name(TAGS, name)

    assert (found.id if found else None) == tag_id


@pytest.mark.parametrize(("category", "ids"), [("PLANS", {"1", "2"}), ("Other", set()), ("", set())])
def test_categories_are_compared_without_case(category: str, ids: set[str]) -> None:
    """A tag without category is in none."""
    assert ids_in_category(TAGS, category) == ids
