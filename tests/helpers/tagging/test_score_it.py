from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

TAGS = [{"id": "5", "name": "VIP"}, {"id": "1234567", "name": "Big Spender"}]


def crm(**more: Any) -> dict[str, Any]:
    return {"contact": {"id": "c1", "tags": TAGS}, "tags": [*TAGS, {"id": "6", "name": "Bounced"}], **more}


@pytest.mark.parametrize(
    ("rules", "score"),
    [
        ([{"tag_id": "5", "points": 10}], "10"),
        ([{"tag_id": 1234567, "points": 10}], "10"),
        ([{"tag_id": " vip ", "points": 3}], "3"),
        ([{"tag_id": "big spender", "points": 3}], "3"),
        ([{"tag_id": "6", "points": 10}], "0"),
        ([{"tag_id": "6", "has_tag": False, "points": 5}], "5"),
        ([{"tag_id": "5", "has_tag": False, "points": 5}], "0"),
        ([{"tag_id": "5", "points": 10}, {"tag_id": "5", "points": 10}], "20"),
        ([{"tag_id": "5", "points": -5}], "-5"),
        ([{"tag_id": "5", "points": 2.9}, {"tag_id": "VIP", "points": -1.9}], "1"),
        ([{"tag_id": "5"}], "0"),
        ([{"tag_id": "5", "points": None, "has_tag": None}], "0"),
        ([{"tag_id": "5", "points": 3}, {"tag_id": "nobody", "has_tag": False, "points": 4}], "7"),
    ],
)
async def test_points_of_matching_rules_are_summed(rules: list[dict[str, Any]], score: str) -> None:
    """Ids or names, has or has not, negative and cut-off points; the old value is not added."""
    run = await run_helper("score_it", {"rules": rules, "target_field": "score"}, crm=crm(fields={"score": "100"}))

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"score": score}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "score", score)]
    assert run.crm.field("c1", "score") == score


@pytest.mark.parametrize("fail", [{"get_contact": True}, {"set_field_value": True}])
async def test_failures_are_errors(fail: dict[str, Any]) -> None:
    """Contact unreadable or write failing."""
    config = {"rules": [{"tag_id": "5", "points": 1}], "target_field": "score"}
    run = await run_helper("score_it", config, crm=crm(fail=fail))

    assert run.error is not None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rules": [{"tag_id": "5"}]},
        {"rules": [], "target_field": "s"},
        {"rules": {"tag_id": "5"}, "target_field": "s"},
        {"rules": ["5"], "target_field": "s"},
        {"rules": [{"points": 5}], "target_field": "s"},
        {"rules": [{"tag_id": " "}], "target_field": "s"},
        {"rules": [{"tag_id": "5", "has_tag": "yes"}], "target_field": "s"},
        {"rules": [{"tag_id": "5", "points": "many"}], "target_field": "s"},
        {"rules": [{"tag_id": "5", "points": True}], "target_field": "s"},
        {"rules": [{"tag_id": "5"}], "target_field": ""},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Every rule is an object with a tag."""
    assert (await run_helper("score_it", config, crm=crm())).config_error is not None
