"""split_it: ways by contact state or by a shared counter."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

TAGS = {"mode": "tag", "option_a": "1", "option_b": "2", "state_field": "s"}
COUNTER = {"mode": "tag", "split_method": "counter", "option_a": "1", "option_b": "2"}


async def run(config: dict[str, Any], state: Any = None, **options: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": {"s": state}, **options.pop("crm", {})}
    return await run_helper("split_it", config, crm=fixture, **options)


@pytest.mark.parametrize(
    ("last", "label"), [(None, "A"), ("", "A"), ("A", "B"), (" b ", "A"), ("C", "A"), ("x", "A"), ("AB", "A")]
)
async def test_the_next_way_follows_the_contacts_last_label(last: Any, label: str) -> None:
    """Trimmed and in any case; unknown labels start with A."""
    result = await run(TAGS, last)

    option = {"A": "1", "B": "2"}[label]
    assert result.crm.tags_of("c1") == {option}
    assert result.crm.field("c1", "s") == label
    assert result.output.modified_data == {"s": label, "split_choice": label, "split_option": option}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("tag_applied", "c1", option),
        ("field_updated", "s", label),
    ]


async def test_five_ways_wrap_around() -> None:
    """E is followed by A."""
    config = {**TAGS, "split_count": "5", "option_c": "3", "option_d": "4", "option_e": "5"}

    assert (await run(config, "D")).output.modified_data["split_choice"] == "E"
    assert (await run(config, "E")).output.modified_data["split_choice"] == "A"


async def test_a_goal_is_achieved_with_the_integration_of_stored_goals() -> None:
    """``mfh``, unlike every other helper of the category."""
    result = await run({**TAGS, "mode": "goal", "option_a": "goal-a"})

    assert (result.output.actions[0].type, result.output.actions[0].value) == ("goal_achieved", "goal-a")
    assert result.crm.store.events("c1", "goal")[0]["integration"] == "mfh"


async def test_the_counter_gives_the_first_execution_a_and_alternates() -> None:
    """It counts over all contacts of the helper."""
    first = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c1"}})
    second = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c2"}}, contact_id="c2", state=first.state)
    third = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c1"}}, state=second.state)
    assert [r.output.modified_data["split_choice"] for r in (first, second, third)] == ["A", "B", "A"]
    assert "s" not in first.output.modified_data


async def test_a_redelivered_execution_counts_once() -> None:
    """The same execution gets the same way, the next one the next."""
    ids = {"execution_id": "exec:1"}
    first = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c1"}}, ids=ids)
    again = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c1"}}, ids=ids, state=first.state)
    other = await run_helper("split_it", COUNTER, crm={"contact": {"id": "c1"}}, state=again.state)

    assert [r.output.modified_data["split_choice"] for r in (first, again, other)] == ["A", "A", "B"]


async def test_a_failed_effect_does_not_advance_the_state() -> None:
    """The helper fails."""
    result = await run(TAGS, "A", crm={"fail": {"apply_tag": True}})

    assert result.error is not None
    assert result.crm.field("c1", "s") == "A"


async def test_a_label_that_cannot_be_saved_is_only_logged() -> None:
    """The tag stands, its action too."""
    result = await run(TAGS, "A", crm={"fail": {"set_field_value": True}})

    assert result.output.success
    assert [a.type for a in result.output.actions] == ["tag_applied"]
    assert result.output.modified_data == {"split_choice": "B", "split_option": "2"}
    assert result.output.logs


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mode": "both"}, "mode"),
        ({"split_method": "random"}, "split_method"),
        ({"split_count": 1}, "split_count"),
        ({"split_count": 6}, "split_count"),
        ({"split_count": 3}, "option_c"),
        ({"option_b": ""}, "option_b"),
        ({"state_field": ""}, "state_field"),
    ],
)
async def test_a_bad_config_is_refused(change: dict[str, Any], named: str) -> None:
    """The refusal names the key."""
    result = await run({**TAGS, **change})

    assert result.config_error is not None
    assert named in str(result.config_error)


async def test_a_second_delivery_stays_in_its_way() -> None:
    """It must not read its own label and go on to the next."""
    ids = {"execution_id": "exec:1"}
    first = await run(TAGS, "A", ids=ids)
    second = await run_helper("split_it", TAGS, crm=first.crm, ids=ids, state=first.state)
    another = await run_helper("split_it", TAGS, crm=first.crm, state=first.state)

    assert [r.output.modified_data["split_choice"] for r in (first, second, another)] == ["B", "B", "A"]
