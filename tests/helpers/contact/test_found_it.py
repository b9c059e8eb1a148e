from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

BRANCHES = {
    "check_field": "f",
    "found_tag_id": "Has it",
    "not_found_tag_id": 6,
    "found_goal": "hasit",
    "not_found_goal": "lacksit",
}
TAGS = [{"id": "5", "name": "Has it"}, {"id": "6", "name": "Lacks it"}]


@pytest.mark.parametrize("value", ["x", 0, False, " ", "0"])
async def test_a_value_takes_the_found_branch(value: Any) -> None:
    """Tag first, then goal with integration mfh; the tag reference is echoed as configured."""
    crm = {"contact": {"id": "c1", "tags": [TAGS[1]]}, "fields": {"f": value}, "tags": TAGS}
    run = await run_helper("found_it", BRANCHES, crm=crm)

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("tag_applied", "c1", "Has it"),
        ("goal_achieved", "c1", "hasit"),
    ]
    # The other branch is never touched: its tag stays.
    assert run.crm.tags_of("c1") == {"5", "6"}
    assert run.crm.goals_of("c1") == [{"goal": "hasit", "integration": "mfh"}]


@pytest.mark.parametrize("value", [None, "", [], {}])
async def test_no_value_takes_the_other_branch(value: Any) -> None:
    """An integer tag id is echoed as text."""
    run = await run_helper("found_it", BRANCHES, crm={"contact": {"id": "c1"}, "fields": {"f": value}, "tags": TAGS})

    assert run.output is not None
    assert [(a.type, a.value) for a in run.output.actions] == [("tag_applied", "6"), ("goal_achieved", "lacksit")]
    assert run.crm.tags_of("c1") == {"6"}


@pytest.mark.parametrize("unset", [{}, {"found_tag_id": "", "found_goal": None}])
async def test_nothing_configured_is_success_without_actions(unset: dict[str, Any]) -> None:
    """The old form stored "" for untouched inputs."""
    run = await run_helper("found_it", {"check_field": "f", **unset}, crm={"contact": {"id": "c1"}, "fields": {"f": 1}})

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []


async def test_tag_and_goal_are_soft() -> None:
    """A permanent failure is logged, the other step is still done."""
    crm = {"contact": {"id": "c1"}, "fields": {"f": 1}, "tags": TAGS, "fail": {"apply_tag": True}}
    run = await run_helper("found_it", BRANCHES, crm=crm)

    assert run.output is not None
    assert run.output.success
    assert [a.type for a in run.output.actions] == ["goal_achieved"]
    assert any("apply tag" in line for line in run.output.logs)


async def test_goals_outside_keap_are_logged() -> None:
    """Other CRMs have no goals."""
    crm = {"platform": "hubspot", "contact": {"id": "c1"}, "fields": {"f": 1}, "tags": TAGS}
    run = await run_helper("found_it", BRANCHES, crm=crm)

    assert run.output is not None
    assert run.output.success
    assert [a.type for a in run.output.actions] == ["tag_applied"]


async def test_a_rate_limited_tag_is_retried(busy_crm: Any) -> None:
    """Soft steps swallow permanent failures only."""
    crm = busy_crm({"contact": {"id": "c1"}, "fields": {"f": 1}, "tags": TAGS}, apply_tag=True)
    run = await run_helper("found_it", BRANCHES, crm=crm)

    assert run.error is not None
    assert run.error.retryable


async def test_a_failing_read_is_an_error() -> None:
    """An outage is never "not found"."""
    run = await run_helper(
        "found_it", BRANCHES, crm={"contact": {"id": "c1"}, "tags": TAGS, "fail": {"get_field_value": ["f"]}}
    )

    assert run.error is not None
    assert run.crm.tags_of("c1") == set()


@pytest.mark.parametrize(
    "config",
    [{}, {"check_field": " "}, {"check_field": "f", "found_tag_id": True}, {"check_field": "f", "found_goal": 5}],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """A field is needed; a goal is a text."""
    assert (await run_helper("found_it", config, crm={"contact": {"id": "c1"}})).config_error is not None
