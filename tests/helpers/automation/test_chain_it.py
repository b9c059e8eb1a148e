"""chain_it: condition, children, guards; and what follows when a child ends."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.automation.chain_settlement import Child, Decision, decide, limit_reached
from helpers.testing import run_helper

NOW = "2026-01-15T10:00:00Z"
UUID = "6f1d1f0a-0000-4000-8000-00000000000"


def stored(number: int, **values: Any) -> dict[str, Any]:
    return {
        "helper_id": f"helper:{UUID}{number}",
        "short_key": f"key{number}",
        "helper_type": "tag_it",
        "account_id": "account-1",
        "connection_id": f"connection:{number}",
        "config": {"number": number},
        **values,
    }


STORED = [
    stored(1),
    stored(2),
    stored(3),
    stored(4, enabled=False),
    stored(5, account_id="account-2"),
    stored(6, status="deleted"),
]
IDS = {"execution_id": "exec:parent", "helper_id": f"helper:{UUID}9", "account_id": "account-1", "user_id": "user-1"}


async def run(config: dict[str, Any], **options: Any) -> Any:
    options.setdefault("crm", {"contact": {"id": "c1", "email": "ann@example.com"}})
    options.setdefault("ids", IDS)
    return await run_helper("chain_it", config, stored_helpers=STORED, now=NOW, **options)


async def test_children_are_spawned_in_list_order() -> None:
    """The first is queued, each further one waits for the one before."""
    result = await run({"helpers": ["key1", f"helper:{UUID}2", f"{UUID}3"]}, input={"n": 1}, query_params={"q": "1"})

    first, second, third = result.children
    assert [child["helper_id"] for child in result.children] == [f"helper:{UUID}{n}" for n in (1, 2, 3)]
    assert (first["status"], second["status"], third["status"]) == ("queued", "scheduled", "scheduled")
    assert "depends_on_execution_id" not in first
    assert second["depends_on_execution_id"] == first["execution_id"]
    assert third["depends_on_execution_id"] == second["execution_id"]
    assert first | {"execution_id": "", "ttl": 0} == {
        "execution_id": "",
        "helper_id": f"helper:{UUID}1",
        "helper_type": "tag_it",
        "account_id": "account-1",
        "user_id": "user-1",
        "connection_id": "connection:1",
        "contact_id": "c1",
        "config": {"number": 1},
        "input": {"n": 1},
        "query_params": {"q": "1"},
        "trigger_type": "chain",
        "parent_execution_id": "exec:parent",
        "root_execution_id": "exec:parent",
        "depth": 1,
        "chain_path": [f"helper:{UUID}9"],
        "chain_group": "primary",
        "chain_index": 0,
        "not_before": NOW,
        "status": "queued",
        "created_at": NOW,
        "ttl": 0,
    }


async def test_the_output_names_children_as_written() -> None:
    """Ids in order, identifiers as in the config, one action a child with its position."""
    result = await run({"helpers": ["key1", "nobody", {"id": "key2", "config": {"x": 1}}]})

    assert result.output.success
    assert result.output.modified_data == {
        "execution_ids": [child["execution_id"] for child in result.children],
        "queued_helpers": ["key1", "key2"],
        "queued_count": 2,
        "delay_seconds": 0,
        "skipped_helpers": [{"helper": "nobody", "reason": "not_found"}],
        "skipped": False,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("helper_chain", "key1", 0),
        ("helper_chain", "key2", 2),
    ]
    assert result.children[1]["config"] == {"x": 1}
    assert result.children[1]["depends_on_execution_id"] == result.children[0]["execution_id"]


async def test_a_condition_that_does_not_hold_queues_nothing() -> None:
    """A success that says so."""
    result = await run({"helpers": ["key1"], "conditional_field": "nothing", "conditional_operator": "exists"})

    assert result.output.success
    assert result.output.modified_data == {
        "skipped": True,
        "queued_count": 0,
        "execution_ids": [],
        "queued_helpers": [],
    }
    assert (result.output.actions, result.children) == ([], [])


@pytest.mark.parametrize("empty", [None, "", []])
async def test_branches_that_the_form_left_empty_are_none(empty: Any) -> None:
    """It stored the empty input in several shapes."""
    result = await run({"helpers": ["key1"], "on_success_helpers": empty, "on_failure_helpers": empty})

    assert result.output.success


async def test_delays_count_by_position_and_keep_the_item_long_enough() -> None:
    """Child i may start i times the delay from now; its retention counts from there."""
    result = await run({"helpers": ["key1", "key2", "key3"], "delay_seconds": 90.9})

    assert [child["not_before"] for child in result.children] == [
        "2026-01-15T10:00:00Z",
        "2026-01-15T10:01:30Z",
        "2026-01-15T10:03:00Z",
    ]
    assert result.children[2]["ttl"] - result.children[0]["ttl"] == 180
    assert result.output.modified_data["delay_seconds"] == 90


async def test_a_redelivered_parent_spawns_the_same_ids() -> None:
    """Derived from parent, group and position."""
    first = await run({"helpers": ["key1", "key2"]})
    again = await run({"helpers": ["key1", "key2"]}, state=first.state)
    other = await run({"helpers": ["key1", "key2"]}, ids={**IDS, "execution_id": "exec:other"})

    ids = [child["execution_id"] for child in first.children]
    assert [child["execution_id"] for child in again.children] == ids
    assert not set(ids) & {child["execution_id"] for child in other.children}
    assert all(id_.startswith("exec:") for id_ in ids)


@pytest.mark.parametrize(
    ("entry", "ids", "settings", "reason"),
    [
        ("nobody", {}, {}, "not_found"),
        ("key5", {}, {}, "not_found"),
        ("key4", {}, {}, "disabled"),
        ("key6", {}, {}, "disabled"),
        ("key1", {"helper_id": f"helper:{UUID}1"}, {}, "loop"),
        ("key1", {"chain_path": [f"helper:{UUID}1"]}, {}, "loop"),
        ("key1", {"depth": 5}, {}, "depth_limit"),
        ("key1", {"depth": 2}, {"chain_max_depth": 2}, "depth_limit"),
    ],
)
async def test_guards(entry: str, ids: dict[str, Any], settings: dict[str, Any], reason: str) -> None:
    """A refused entry is recorded; with none queued the chain fails for good."""
    result = await run({"helpers": [entry]}, ids={**IDS, **ids}, settings=settings)

    assert result.children == []
    assert not result.output.success
    assert result.output.modified_data["skipped_helpers"] == [{"helper": entry, "reason": reason}]


async def test_a_root_has_a_budget_of_a_hundred() -> None:
    """The hundred and first child is refused."""
    result = await run({"helpers": ["key1"] * 101})

    assert len(result.children) == 100
    assert result.output.modified_data["skipped_helpers"] == [{"helper": "key1", "reason": "budget"}]


@pytest.mark.parametrize(
    ("field", "operator", "value", "holds"),
    [
        ("email", None, "ann@example.com", True),
        ("Email", "equals", "ann@example.com", True),
        ("email", "equals", "Ann@example.com", False),
        ("email", "not_equals", "x", True),
        ("email", "contains", "example", True),
        ("email", "contains", "", False),
        ("email", "not_contains", "", True),
        ("phone", "contains", "5", False),
        ("score", "equals", 12, True),
        ("score", "equals", "12", True),
        ("flag", "equals", True, True),
        ("empty", "exists", None, False),
        ("nothing", "not_exists", None, True),
        ("score", "exists", None, True),
        ("email", "", "ann@example.com", True),
    ],
)
async def test_the_condition(field: str, operator: Any, value: Any, holds: bool) -> None:
    """Exact and case-sensitive on text; a null custom field does not exist."""
    config: dict[str, Any] = {"helpers": ["key1"], "conditional_field": field}
    config |= {} if operator is None else {"conditional_operator": operator}
    config |= {} if value is None else {"conditional_value": value}
    contact = {
        "id": "c1", "email": "ann@example.com", "custom_fields": {"score": 12.0, "empty": None, "flag": True},
    }  # fmt: skip

    result = await run(config, crm={"contact": contact})

    assert result.output.success
    assert result.output.modified_data["skipped"] is not holds
    assert bool(result.children) is holds
    if not holds:
        assert result.output.modified_data["queued_count"] == 0


@pytest.mark.parametrize(
    ("field", "value"), [("company", "Standard"), ("Company", "Custom"), ("CompanyName", "Standard")]
)
async def test_a_standard_name_means_the_standard_attribute(field: str, value: str) -> None:
    """A custom field of the same key does not hide it; one spelled like an alias is meant itself."""
    contact = {"id": "c1", "company": "Standard", "custom_fields": {"company": "Custom", "Company": "Custom"}}
    config = {"helpers": ["key1"], "conditional_field": field, "conditional_value": value}

    result = await run(config, crm={"contact": contact})

    assert result.output.modified_data["skipped"] is False


async def test_without_a_connection_the_field_does_not_exist() -> None:
    """chain_it needs no CRM."""
    config = {"helpers": ["key1"], "conditional_field": "email", "conditional_operator": "not_exists"}
    result = await run(config, crm=None, contact_id="")

    assert result.output.modified_data["skipped"] is False


async def test_a_contact_that_cannot_be_read_is_an_error() -> None:
    """Go silently took the wrong branch; without a condition the contact is not read."""
    crm = {"contact": {"id": "c1"}, "fail": {"get_contact": True}}
    conditional = await run({"helpers": ["key1"], "conditional_field": "email"}, crm=crm)
    plain = await run({"helpers": ["key1"]}, crm=crm)

    assert conditional.error is not None
    assert conditional.children == []
    assert plain.output.success


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"helpers": None}, "helpers"),
        ({"helpers": "key1"}, "helpers"),
        ({"helpers": []}, "helpers"),
        ({"helpers": [{"config": {}}]}, "helpers"),
        ({"helpers": [5]}, "helpers"),
        ({"conditional_operator": "like"}, "conditional_operator"),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"delay_seconds": "60"}, "delay_seconds"),
        ({"on_success_helpers": "key1"}, "on_success_helpers"),
    ],
)
async def test_a_bad_config_is_refused(change: dict[str, Any], named: str) -> None:
    """The refusal names the key."""
    result = await run({"helpers": ["key1"], **change})

    assert result.config_error is not None
    assert named in str(result.config_error)


def children(*states: str, reached: int | None = None) -> dict[int, Child]:
    """Children by index; "-" is a refused entry."""
    return {
        index: Child(f"exec:{index}", index, state, limit_reached=index == reached)
        for index, state in enumerate(states)
        if state != "-"
    }


@pytest.mark.parametrize(
    ("states", "decision"),
    [
        (("completed", "scheduled", "scheduled"), Decision(release="exec:1")),
        (("failed", "scheduled"), Decision(release="exec:1")),
        (("completed", "running"), Decision(release="exec:1")),
        (("completed", "-", "scheduled"), Decision(release="exec:2")),
        (("completed", "completed"), Decision(result="success")),
        (("completed", "failed"), Decision(result="failure")),
        (("completed", "-"), Decision(result="failure")),
        (("completed", "cancelled"), Decision(result="failure")),
    ],
)
def test_what_follows_when_a_child_ends(states: tuple[str, ...], decision: Decision) -> None:
    """The next one is released; a failed child does not stop it; a refused one makes the group fail."""
    assert decide(children(*states), len(states)) == decision


@pytest.mark.parametrize(("state", "result"), [("completed", "success"), ("failed", "failure")])
def test_a_limit_that_is_reached_stops_the_chain(state: str, result: Any) -> None:
    """What has not started is skipped; the outcome is that of action_on_limit."""
    decision = decide(children("completed", state, "scheduled", "scheduled", reached=1), 4)

    assert decision == Decision(skip=("exec:2", "exec:3"), result=result)


def test_deciding_again_after_the_skip_gives_the_same_result() -> None:
    """A redelivered message settles again."""
    assert decide(children("completed", "skipped", reached=0), 2) == Decision(result="success")


def test_only_a_limit_it_can_stop_a_chain() -> None:
    """Another helper may have a key of that name."""
    output = {"modified_data": {"limit_reached": True}}

    assert limit_reached("limit_it", output)
    assert not limit_reached("tag_it", output)
    assert not limit_reached("limit_it", {})
