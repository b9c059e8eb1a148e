"""split_it_basic: the other group than the last, remembered per helper."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

TAGS = {"split_type": "tag_split", "last_group": "b", "split_tag_a": "1", "split_tag_b": "2"}
GOALS = {"split_type": "goal_split", "last_group": "a", "split_goal_a": "ga", "split_goal_b": "gb"}


async def run(config: dict[str, Any], crm: Any = None, **options: Any) -> Any:
    return await run_helper("split_it_basic", config, crm=crm or {"contact": {"id": "c1"}}, **options)


@pytest.mark.parametrize(("last", "group", "tag"), [("b", "a", "1"), ("a", "b", "2")])
async def test_the_first_run_takes_the_other_group_than_the_seed(last: str, group: str, tag: str) -> None:
    """The config says which group ran last."""
    result = await run({**TAGS, "last_group": last})

    assert result.crm.tags_of("c1") == {tag}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("tag_applied", "c1", tag)]
    assert result.output.modified_data == {"run_group": group, "last_group": group}


async def test_later_runs_alternate_whatever_the_config_says() -> None:
    """The earlier platform never stored the group."""
    groups, state = [], None
    for contact in ("c1", "c2", "c3", "c4"):
        result = await run(TAGS, {"contact": {"id": contact}}, contact_id=contact, state=state)
        groups.append(result.output.modified_data["run_group"])
        state = result.state
    assert groups == ["a", "b", "a", "b"]


async def test_helpers_alternate_on_their_own() -> None:
    """Each helper has its own state."""
    first = await run(TAGS, ids={"helper_id": "helper:1"})
    other = await run(TAGS, ids={"helper_id": "helper:2"}, state=first.state)
    assert other.output.modified_data["run_group"] == "a"


async def test_a_second_delivery_stays_in_its_group() -> None:
    """It is the same execution."""
    ids = {"execution_id": "exec:1"}
    first = await run(TAGS, ids=ids)
    second = await run(TAGS, ids=ids, state=first.state)
    assert second.output.modified_data == first.output.modified_data


async def test_the_tag_is_removed_first_so_that_its_automations_start_again() -> None:
    """A failing removal does not matter."""
    crm = {"contact": {"id": "c1", "tags": ["1"]}}
    result = await run(TAGS, crm)
    failing = await run(TAGS, {**crm, "fail": {"remove_tag": True}})

    calls = [method for method, _arguments in result.crm.calls if method in {"remove_tag", "apply_tag"}]
    assert calls == ["remove_tag", "apply_tag"]
    assert failing.output.success
    assert [action.type for action in failing.output.actions] == ["tag_applied"]


async def test_a_goal_split_achieves_the_goal() -> None:
    """With the integration of every other helper."""
    result = await run(GOALS)

    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("goal_achieved", "c1", "gb")]
    assert result.crm.store.events("c1", "goal")[0]["integration"] == "myfusionhelper"
    assert result.output.modified_data == {"run_group": "b", "last_group": "b"}


async def test_a_failing_effect_fails_the_run() -> None:
    """Tag and goal alike."""
    assert (await run(TAGS, {"contact": {"id": "c1"}, "fail": {"apply_tag": True}})).error is not None
    assert (await run(GOALS, {"contact": {"id": "c1"}, "fail": {"achieve_goal": True}})).error is not None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {**TAGS, "split_type": "tags"},
        {**TAGS, "last_group": "A"},
        {**TAGS, "last_group": ""},
        {**TAGS, "split_tag_b": ""},
        {**TAGS, "split_tag_a": 1},
        {**TAGS, "split_type": "goal_split"},
        {**GOALS, "split_goal_a": None},
    ],
)
async def test_an_incomplete_config_is_refused(config: dict[str, Any]) -> None:
    """Both groups of the type have to be there."""
    assert (await run(config)).config_error is not None


async def test_the_configured_group_is_only_the_seed_of_the_first_run() -> None:
    """A config that is saved again with another last_group does not turn the order round."""
    first = await run({**TAGS, "last_group": "a"})
    second = await run({**TAGS, "last_group": "b"}, state=first.state)
    third = await run({**TAGS, "last_group": "a"}, state=second.state)
    assert [r.output.modified_data["run_group"] for r in (first, second, third)] == ["b", "a", "b"]
