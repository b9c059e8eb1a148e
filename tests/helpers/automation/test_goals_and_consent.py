"""goal_it, simple_opt_in, simple_opt_out (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

CRM = {"contact": {"id": "c1", "email": "a@b.example"}}


@pytest.mark.parametrize("config", [{}, {"goal_name": ""}, {"goal_name": None}, {"goal_name": 5}])
async def test_goal_it_needs_a_goal(config):
    """A non-empty string."""
    assert (await run_helper("goal_it", config, crm=CRM)).config_error


@pytest.mark.parametrize(
    ("stored", "integration"), [({}, "mfh"), ({"integration": ""}, "mfh"), ({"integration": "x"}, "x")]
)
async def test_goal_it_achieves(stored, integration):
    """With the default integration where none is set; camelCase keys count too."""
    run = await run_helper("goal_it", {"goalName": "paid", **stored}, crm=CRM)

    assert run.crm.goals_of("c1") == [{"goal": "paid", "integration": integration}]
    assert run.output.modified_data == {"goal_name": "paid", "integration": integration}
    assert [dict(a) for a in run.output.actions] == [{"type": "goal_achieved", "target": "c1", "value": "paid"}]


@pytest.mark.parametrize("crm", [None, {**CRM, "platform": "hubspot"}, {**CRM, "fail": {"achieve_goal": ["paid"]}}])
async def test_goal_it_failures_are_errors(crm):
    """No CRM, a CRM without goals, a refused goal."""
    run = await run_helper("goal_it", {"goal_name": "paid"}, crm=crm)

    assert not run.error.retryable


@pytest.mark.parametrize("opt_in", ["true", 1, 0, None, "missing"])
async def test_simple_opt_in_wants_a_boolean(opt_in):
    """Text and numbers are refused."""
    config = {} if opt_in == "missing" else {"opt_in": opt_in}

    assert (await run_helper("simple_opt_in", config, crm=CRM)).config_error


@pytest.mark.parametrize(("opt_in", "value"), [(True, "opted in"), (False, "opted out")])
async def test_simple_opt_in(opt_in, value):
    """Both directions; the reason goes to the CRM."""
    run = await run_helper("simple_opt_in", {"opt_in": opt_in, "reason": "form"}, crm=CRM)

    assert run.crm.opt_ins_of("c1") == [{"email": "a@b.example", "opt_in": opt_in, "reason": "form"}]
    assert run.output.modified_data == {"opt_in": opt_in, "reason": "form"}
    assert [dict(a) for a in run.output.actions] == [{"type": "opt_in_status_changed", "target": "c1", "value": value}]


@pytest.mark.parametrize(("config", "reason"), [(None, ""), ({}, ""), ({"reason": None}, ""), ({"reason": "r"}, "r")])
async def test_simple_opt_out(config, reason):
    """Needs no config at all."""
    run = await run_helper("simple_opt_out", config, crm=CRM)

    assert run.crm.opt_ins_of("c1") == [{"email": "a@b.example", "opt_in": False, "reason": reason}]
    assert run.output.modified_data == {"opt_in": False, "reason": reason}
    assert [dict(a) for a in run.output.actions] == [{"type": "opt_out", "target": "c1", "value": "opted_out"}]


@pytest.mark.parametrize(("helper_type", "config"), [("simple_opt_in", {"opt_in": True}), ("simple_opt_out", {})])
async def test_a_refused_change_is_an_error(helper_type, config):
    """And so is a missing contact id."""
    assert (await run_helper(helper_type, config, crm={**CRM, "fail": {"set_opt_in_status": True}})).error
    assert not (await run_helper(helper_type, config, crm=CRM, contact_id="")).error.retryable
