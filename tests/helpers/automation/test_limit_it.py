"""limit_it: executions in a time window (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper
from helpers.testing.ports import RunState

IDS = {"account_id": "account:a", "helper_id": "helper:h"}


class DeadStore(RunState):
    """A state store that cannot be reached."""

    async def get(self, key):
        raise ConnectionError(key)


async def limited(config, *, now="2026-01-15T10:00:00Z", ids=None, **kwargs):
    return await run_helper("limit_it", config, now=now, ids={**IDS, **(ids or {})}, **kwargs)


@pytest.mark.parametrize(
    "config",
    [
        {"limit_type": "per_minute"},
        {"scope": "world"},
        {"action_on_limit": "stop"},
        {"max_executions": "many"},
        {"max_executions": True},
        {"limit_type": 5},
    ],
)
async def test_refused_configs(config):
    """Unknown enum values and no numbers."""
    assert (await limited(config)).config_error


@pytest.mark.parametrize(
    ("config", "allowed"),
    [
        ({}, 1),
        (None, 1),
        ({"limit_type": "", "scope": None, "action_on_limit": "", "max_executions": None}, 1),
        ({"max_executions": 2.9}, 2),
        ({"max_executions": 0}, 1),
        ({"max_executions": -3}, 1),
        ({"maxExecutions": 4}, 4),
    ],
)
async def test_defaults(config, allowed):
    """Empty and null are the default; the count is truncated and at least 1."""
    run = await limited(config)

    assert run.output.modified_data == {
        "limit_reached": False,
        "current_count": 1,
        "max_allowed": allowed,
        "limit_type": "per_day",
        "scope": "contact",
    }


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        ("contact", "limit:helper:h:c1:per_week"),
        ("helper", "limit:helper:h:per_week"),
        ("account", "limit:account:a:helper:h:per_week"),
    ],
)
async def test_the_key_names_what_is_counted(scope, key):
    """It is the action's target."""
    run = await limited({"scope": scope, "limit_type": "per_week"})

    assert [dict(a) for a in run.output.actions] == [{"type": "rate_limit_checked", "target": key, "value": 1}]


async def test_over_the_limit_is_not_counted():
    """skip succeeds and reports the stored count."""
    first = await limited({"max_executions": 1})
    second = await limited({"max_executions": 1}, state=first.state)

    assert second.output.success
    assert second.output.modified_data["limit_reached"] is True
    assert second.output.modified_data["current_count"] == 1
    assert second.output.actions[0].type == "rate_limit_reached"


async def test_error_fails_with_the_same_data():
    """A returned failure is never retried."""
    config = {"action_on_limit": "error"}
    first = await limited(config)
    second = await limited(config, state=first.state)

    assert second.error is None
    assert not second.output.success
    assert second.output.modified_data["limit_reached"] is True
    assert second.output.actions[0].type == "rate_limit_reached"


@pytest.mark.parametrize(
    ("limit_type", "inside", "outside"),
    [
        ("per_hour", "2026-01-15T10:59:59Z", "2026-01-15T11:00:00Z"),
        ("per_day", "2026-01-16T09:59:59Z", "2026-01-16T10:00:00Z"),
        ("per_week", "2026-01-22T09:59:59Z", "2026-01-22T10:00:00Z"),
        ("per_month", "2026-02-14T09:59:59Z", "2026-02-14T10:00:00Z"),
    ],
)
async def test_a_window_starts_with_its_first_run_and_is_not_pushed(limit_type, inside, outside):
    """At its end the next run starts a new one with count 1."""
    config = {"limit_type": limit_type, "max_executions": 2}
    first = await limited(config)
    second = await limited(config, state=first.state, now=inside)
    refused = await limited(config, state=first.state, now=inside)
    fresh = await limited(config, state=first.state, now=outside)

    assert second.output.modified_data["current_count"] == 2
    assert refused.output.modified_data["limit_reached"] is True
    assert (fresh.output.modified_data["limit_reached"], fresh.output.modified_data["current_count"]) == (False, 1)


async def test_scopes_count_apart():
    """contact counts each contact, helper all of them."""
    contact = await limited({})
    other = await limited({}, state=contact.state, contact_id="c2")
    helper = await limited({"scope": "helper"})
    same = await limited({"scope": "helper"}, state=helper.state, contact_id="c2")

    assert other.output.modified_data["limit_reached"] is False
    assert same.output.modified_data["limit_reached"] is True


async def test_a_redelivered_execution_counts_once():
    """The same execution gets the same answer."""
    config = {"max_executions": 2}
    first = await limited(config, ids={"execution_id": "exec:1"})
    again = await limited(config, state=first.state, ids={"execution_id": "exec:1"})
    second = await limited(config, state=first.state, ids={"execution_id": "exec:2"})
    late = await limited(config, state=first.state, ids={"execution_id": "exec:1"})

    assert again.output.modified_data["current_count"] == 1
    assert second.output.modified_data["current_count"] == 2
    assert late.output.modified_data["limit_reached"] is False


async def test_scope_contact_needs_a_contact():
    """The other scopes do not."""
    assert not (await limited({}, contact_id="")).error.retryable
    assert (await limited({"scope": "helper"}, contact_id="")).output.success


async def test_an_unreachable_store_lets_the_run_through():
    """With a warning."""
    run = await limited({"action_on_limit": "error"}, state=DeadStore())

    assert run.output.success
    assert run.output.modified_data["limit_unknown"] is True
    assert run.output.modified_data["limit_reached"] is False
    assert run.output.logs
