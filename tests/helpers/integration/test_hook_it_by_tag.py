"""hook_it_by_tag: an event that the contact's tags must allow."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

TAGS = [{"id": "77", "name": "VIP"}, {"id": "78", "name": "Blocked"}, {"id": "79", "name": "Lead"}]


async def run(config: dict[str, Any], held: list[str] | None = None, **crm: Any) -> HelperRun:
    tags = [tag for tag in TAGS if tag["id"] in (["77"] if held is None else held)]
    return await run_helper("hook_it_by_tag", config, crm={"contact": {"id": "c1", "tags": tags}, "tags": TAGS, **crm})


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, False),
        ({"goal_name": "g"}, False),
        ({"required_tags": None, "forbidden_tags": ""}, False),
        ({"required_tags": []}, True),
        ({"forbidden_tags": ["a"]}, True),
        ({"required_tags": "VIP"}, False),
        ({"required_tags": [1]}, False),
        ({"required_tags": ["a"], "match_mode": "some"}, False),
        ({"required_tags": ["a"], "match_mode": ""}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """One of the two lists has to be there."""
    assert ((await run(config)).config_error is None) is valid


@pytest.mark.parametrize(
    ("config", "held", "expected"),
    [
        ({"required_tags": ["vip ", "79", "78"]}, ["77"],
         {"skip_reason": "missing_required_tag", "missing_tag": "79", "required_tags": ["vip ", "79", "78"]}),
        ({"required_tags": ["79", "78"], "match_mode": "any"}, ["77"],
         {"skip_reason": "missing_any_required_tag", "required_tags": ["79", "78"]}),
        ({"required_tags": ["77"], "forbidden_tags": ["79", "blocked"]}, ["77", "78"],
         {"skip_reason": "has_forbidden_tag", "forbidden_tag": "blocked"}),
    ],
)  # fmt: skip
async def test_skips(config: dict[str, Any], held: list[str], expected: dict[str, Any]) -> None:
    """A skip is a success without goal."""
    result = await run({**config, "goal_name": "g", "apply_tag_on_skip": "Lead", "apply_tag_on_success": "77"}, held)

    assert result.output is not None
    assert result.output.success
    assert result.output.modified_data == {"processed": False, **expected, "contact_tags": held}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("tag_applied", "c1", "Lead")]


@pytest.mark.parametrize(
    ("config", "held"),
    [
        ({"required_tags": ["VIP", "79"]}, ["77", "79"]),
        ({"required_tags": ["78", "VIP"], "match_mode": "any"}, ["77"]),
        ({"required_tags": [], "forbidden_tags": []}, []),
        ({"required_tags": [], "match_mode": "any"}, []),
        ({"forbidden_tags": ["78"]}, ["77"]),
    ],
)
async def test_goal_before_tag(config: dict[str, Any], held: list[str]) -> None:
    """The conditions hold; empty lists impose nothing."""
    result = await run({**config, "goal_name": "g", "apply_tag_on_success": "78"}, held)

    assert result.output is not None
    assert result.output.modified_data == {"processed": True, "contact_tags": held}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("goal_achieved", "c1", "g"), ("tag_applied", "c1", "78")
    ]  # fmt: skip


async def test_a_failing_goal_fails_and_a_failing_tag_does_not() -> None:
    """The tag is not applied after a goal that failed."""
    config = {"required_tags": [], "goal_name": "g", "apply_tag_on_success": "78"}
    goal = await run(config, fail={"achieve_goal": True})
    tag = await run(config, fail={"apply_tag": True})

    assert goal.error is not None
    assert "78" not in goal.crm.tags_of("c1")
    assert tag.output is not None
    assert tag.output.success
    assert [a.type for a in tag.output.actions] == ["goal_achieved"]


async def test_a_skip_tag_that_fails_leaves_no_action() -> None:
    """The skip stays a success."""
    result = await run({"required_tags": ["x"], "apply_tag_on_skip": "78"}, fail={"apply_tag": True})

    assert result.output is not None
    assert result.output.success
    assert result.output.actions == []
