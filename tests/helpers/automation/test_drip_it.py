"""drip_it: the next step of a sequence (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

CONFIG = {"steps": ["a", 2, "c"], "state_field": "pos"}


def crm(position=None, **extra):
    return {"contact": {"id": "c1", "custom_fields": {"pos": position}}, **extra}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"steps": [], "state_field": "pos"},
        {"steps": "a", "state_field": "pos"},
        {"steps": ["a"]},
        {"steps": ["a"], "state_field": ""},
        {"steps": ["a"], "state_field": "no_select"},
        {"steps": [True], "state_field": "p"},
    ],
)
async def test_refused_configs(config):
    """Steps and a field."""
    assert (await run_helper("drip_it", config, crm=crm())).config_error


@pytest.mark.parametrize(
    ("position", "started"),
    [
        (None, "a"),
        ("", "a"),
        ("0", "a"),
        ("1", "2"),
        (" 2 ", "c"),
        ("2.0", "c"),
        (1.0, "2"),
        (2, "c"),
        ("-1", "a"),
        (-5, "a"),
        ("two", "a"),
        ("1.5", "a"),
        ("1x", "a"),
        (True, "a"),
        ("01", "2"),
    ],
)
async def test_the_position_decides_the_step(position, started):
    """Not an integer or negative is the start."""
    run = await run_helper("drip_it", CONFIG, crm=crm(position))

    index = ["a", "2", "c"].index(started)
    assert run.crm.automations_of("c1") == [started]
    assert run.output.modified_data == {
        "pos": str(index + 1),
        "step_executed": index + 1,
        "total_steps": 3,
        "drip_completed": index == 2,
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("automation_triggered", "c1", started),
        ("field_updated", "pos", str(index + 1)),
    ]
    assert run.crm.field("c1", "pos") == str(index + 1)


@pytest.mark.parametrize("position", ["3", 7, "0003", "99999999999", "9" * 5000])
async def test_after_the_last_step_nothing_happens(position):
    """State untouched, no action."""
    run = await run_helper("drip_it", CONFIG, crm=crm(position))

    assert run.output.success
    assert run.output.modified_data["drip_completed"] is True
    assert run.output.actions == []
    assert run.crm.field("c1", "pos") == position
    assert run.crm.automations_of("c1") == []


@pytest.mark.parametrize("method", ["get_field_value", "trigger_automation"])
async def test_a_failing_read_or_start_leaves_the_state(method):
    """Go ignored a read error and repeated step 1."""
    run = await run_helper("drip_it", CONFIG, crm=crm("1", fail={method: True}))

    assert run.error is not None
    run.crm.fail.clear()
    assert run.crm.field("c1", "pos") == "1"


async def test_a_position_that_cannot_be_saved_is_no_reason_to_start_twice():
    """Retried in place, then reported."""
    run = await run_helper("drip_it", CONFIG, crm=crm("1", fail={"set_field_value": True}))

    assert run.output.success
    assert run.output.modified_data == {
        "step_executed": 2,
        "total_steps": 3,
        "drip_completed": False,
        "state_saved": False,
    }
    assert [a.type for a in run.output.actions] == ["automation_triggered"]
    assert len(run.clock.slept) == 2
    assert run.output.logs


async def test_a_second_delivery_stays_at_the_step_of_the_first():
    """It starts nothing again, and above all not the next step; the next execution does."""
    ids = {"execution_id": "exec:1"}
    first = await run_helper("drip_it", CONFIG, crm=crm("1"), ids=ids)
    second = await run_helper("drip_it", CONFIG, crm=first.crm, ids=ids, state=first.state)
    assert (second.crm.automations_of("c1"), second.crm.field("c1", "pos")) == (["2"], "2")
    assert (second.output.modified_data, second.output.actions) == (first.output.modified_data, first.output.actions)

    later = await run_helper("drip_it", CONFIG, crm=second.crm, state=second.state)
    assert later.crm.automations_of("c1") == ["2", "c"]
