from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

TAGS = [
    {"id": "1", "name": "Gold", "category": "Plans"},
    {"id": "2", "name": "Silver", "category": "plans"},
    {"id": "3", "name": "VIP"},
]


def crm(**more: Any) -> dict[str, Any]:
    tags = [{"id": tag["id"], "name": tag["name"]} for tag in TAGS]
    return {"contact": {"id": "c1", "tags": tags}, "tags": TAGS, **more}


@pytest.mark.parametrize(
    ("category", "count"), [(None, "3"), ("", "3"), ("  ", "3"), (" PLANS ", "2"), ("unknown", "0")]
)
async def test_the_count_is_written_as_text(category: Any, count: str) -> None:
    """All tags, or those of a category by its definition; "0" included."""
    run = await run_helper("count_tags", {"target_field": "n", "category": category}, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"n": count}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "n", count)]
    assert run.crm.field("c1", "n") == count


async def test_an_untagged_contact_counts_zero() -> None:
    """The count is always written."""
    run = await run_helper("count_tags", {"target_field": "n"}, crm={"contact": {"id": "c1"}})

    assert run.crm.field("c1", "n") == "0"


@pytest.mark.parametrize("fail", [{"get_contact": True}, {"get_tags": True}, {"set_field_value": True}])
async def test_failures_are_errors(fail: dict[str, Any]) -> None:
    """Contact or tag list unreadable, or the write failing."""
    run = await run_helper("count_tags", {"target_field": "n", "category": "Plans"}, crm=crm(fail=fail))

    assert run.error is not None


async def test_without_category_the_tag_list_is_not_needed() -> None:
    """The contact's own tags are enough."""
    run = await run_helper("count_tags", {"target_field": "n"}, crm=crm(fail={"get_tags": True}))

    assert run.output is not None
    assert run.output.modified_data == {"n": "3"}


@pytest.mark.parametrize("config", [{}, {"target_field": ""}, {"target_field": "n", "category": 5}])
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The target is required."""
    assert (await run_helper("count_tags", config, crm=crm())).config_error is not None
