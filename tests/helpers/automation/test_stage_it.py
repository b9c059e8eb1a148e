"""stage_it: opportunities from one stage to another (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

CONFIG = {"basic_match": "7", "to_stage": "9", "found_goal": "moved", "not_found_goal": "none"}
DEALS = [
    {"id": "30", "contact_id": "c1", "stage_id": "7", "created_at": "2026-01-03T00:00:00Z"},
    {"id": "20", "contact_id": "c1", "stage_id": "7", "created_at": "2026-01-01T00:00:00Z"},
    {"id": "3", "contact_id": "c1", "stage_id": "7", "created_at": "2026-01-01T00:00:00Z"},
    {"id": "40", "contact_id": "c1", "stage_id": "8", "created_at": "2025-01-01T00:00:00Z"},
    {"id": "50", "contact_id": "c2", "stage_id": "7", "created_at": "2025-01-01T00:00:00Z"},
]


def crm(deals=DEALS, **extra):
    return {"contact": {"id": "c1"}, "extra_contacts": [{"id": "c2"}], "opportunities": deals, **extra}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"basic_match": "7"},
        {"to_stage": "9"},
        {"basic_match": "", "to_stage": "9"},
        {"basic_match": 7, "to_stage": "9"},
        {"basic_match": "7", "to_stage": 9},
        {"basic_match": "7", "to_stage": "9", "opportunity_count": "last"},
    ],
)
async def test_refused_configs(config):
    """Both stages and a known count."""
    assert (await run_helper("stage_it", config, crm=crm())).config_error


async def test_first_moves_the_oldest_only():
    """By created_at, then id."""
    run = await run_helper("stage_it", CONFIG, crm=crm())

    assert run.output.modified_data == {
        "matched_count": 3,
        "updated_count": 1,
        "opportunity_ids": ["3"],
        "from_stage": "7",
        "to_stage": "9",
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "StageID", "9"),
        ("opportunity_updated", "3", "9"),
        ("goal_achieved", "c1", "moved"),
    ]
    assert [run.crm.opportunity_stage(deal["id"]) for deal in DEALS] == ["7", "7", "9", "8", "7"]
    assert run.crm.goals_of("c1") == [{"goal": "moved", "integration": "myfusionhelper"}]


async def test_all_moves_every_one_of_the_contact():
    """Other stages and contacts are left alone."""
    run = await run_helper("stage_it", CONFIG | {"opportunity_count": "all"}, crm=crm())

    assert run.output.modified_data["opportunity_ids"] == ["3", "20", "30"]
    assert [run.crm.opportunity_stage(deal["id"]) for deal in DEALS] == ["9", "9", "9", "8", "7"]


async def test_none_found_fires_the_other_goal():
    """And is a success."""
    run = await run_helper("stage_it", CONFIG, crm=crm([]))

    assert run.output.success
    assert run.output.modified_data == {
        "matched_count": 0,
        "updated_count": 0,
        "opportunity_ids": [],
        "from_stage": "7",
        "to_stage": "9",
    }
    assert [(a.type, a.value) for a in run.output.actions] == [("goal_achieved", "none")]


async def test_a_failing_list_is_no_empty_list():
    """Go fired not_found_goal."""
    run = await run_helper("stage_it", CONFIG, crm=crm(fail={"list_opportunities": True}))

    assert run.error is not None
    assert run.crm.goals_of("c1") == []


async def test_updates_that_fail_partly_or_all():
    """Partly is a success with log, all is an error without goal."""
    config = CONFIG | {"opportunity_count": "all"}

    partly = await run_helper("stage_it", config, crm=crm(fail={"update_opportunity_stage": ["20"]}))
    all_ = await run_helper("stage_it", config, crm=crm(fail={"update_opportunity_stage": True}))

    assert partly.output.modified_data["opportunity_ids"] == ["3", "30"]
    assert partly.output.logs
    assert not all_.error.retryable
    assert all_.crm.goals_of("c1") == []


@pytest.mark.parametrize("deals", [DEALS, []])
async def test_a_failing_goal_is_logged_only(deals):
    """Found or not."""
    run = await run_helper("stage_it", CONFIG, crm=crm(deals, fail={"achieve_goal": True}))

    assert run.output.success
    assert "goal_achieved" not in [a.type for a in run.output.actions]
    assert run.output.logs


@pytest.mark.parametrize("count", ["first", "all"])
async def test_a_delivery_that_comes_again_moves_the_same_opportunities(count):
    """They are in the stage no more: it would move the next one, or find none and fire the wrong goal."""
    config, ids = CONFIG | {"opportunity_count": count}, {"execution_id": "exec:1"}
    first = await run_helper("stage_it", config, crm=crm(), ids=ids)
    stages = [first.crm.opportunity_stage(deal["id"]) for deal in DEALS]
    again = await run_helper("stage_it", config, crm=first.crm, state=first.state, ids=ids)

    assert again.output.modified_data == first.output.modified_data
    assert [again.crm.opportunity_stage(deal["id"]) for deal in DEALS] == stages
    assert {goal["goal"] for goal in again.crm.goals_of("c1")} == {"moved"}
