"""Child executions and their guards (spec automation section 1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from helpers.rules.children import HelperEntries, HelperEntry, Parent, child_execution_id, spawn_group
from helpers.testing.ports import FakeDirectory, RecordingSpawner, RunState

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
PARENT = Parent(
    execution_id="exec:p",
    helper_id="helper:chain",
    account_id="account:a",
    user_id="user:u",
    connection_id="connection:parent",
    contact_id="c1",
    input={"k": {"nested": 1}},
    query_params={"q": "1"},
    root_execution_id="exec:root",
    depth=1,
    chain_path=("helper:root",),
)
STORED = [
    {"helper_id": "helper:1", "short_key": "one", "helper_type": "tag_it",
     "connection_id": "connection:1", "config": {"x": 1}},
    {"helper_id": "helper:2", "short_key": "two", "helper_type": "copy_it"},
    {"helper_id": "helper:off", "helper_type": "tag_it", "enabled": False},
    {"helper_id": "helper:gone", "helper_type": "tag_it", "status": "deleted"},
    {"helper_id": "helper:foreign", "helper_type": "tag_it", "account_id": "account:b"},
    {"helper_id": "helper:chain", "helper_type": "chain_it"},
    {"helper_id": "helper:root", "helper_type": "chain_it"},
]  # fmt: skip


async def spawn(identifiers, *, parent=PARENT, state=None, max_depth=5, delay_seconds=0):
    spawner = RecordingSpawner(state or RunState())
    result = await spawn_group(
        parent,
        TypeAdapter(list[HelperEntry]).validate_python(identifiers),
        group="primary",
        now=NOW,
        delay_seconds=delay_seconds,
        directory=FakeDirectory(STORED, "account:a"),
        spawner=spawner,
        max_depth=max_depth,
    )
    return result, spawner.children


async def test_a_child_item_holds_what_the_spec_lists():
    """Every attribute, with the parent's input and the stored helper's connection and config."""
    _, children = await spawn(["one"])

    assert children == [
        {
            "execution_id": child_execution_id("exec:p", "primary", 0),
            "helper_id": "helper:1",
            "helper_type": "tag_it",
            "account_id": "account:a",
            "user_id": "user:u",
            "connection_id": "connection:1",
            "contact_id": "c1",
            "config": {"x": 1},
            "input": {"k": {"nested": 1}},
            "query_params": {"q": "1"},
            "trigger_type": "chain",
            "parent_execution_id": "exec:p",
            "root_execution_id": "exec:root",
            "depth": 2,
            "chain_path": ["helper:root", "helper:chain"],
            "chain_group": "primary",
            "chain_index": 0,
            "not_before": "2026-01-15T10:00:00Z",
            "status": "queued",
            "created_at": "2026-01-15T10:00:00Z",
            "ttl": int((NOW + timedelta(days=7)).timestamp()),
        }
    ]


async def test_children_wait_for_each_other_and_for_their_time():
    """Child i depends on the one before it and starts i delays from now; ttl counts from there."""
    _, children = await spawn(["one", "two", "helper:1"], delay_seconds=90)

    assert [child["status"] for child in children] == ["queued", "scheduled", "scheduled"]
    assert [child.get("depends_on_execution_id") for child in children] == [
        None,
        children[0]["execution_id"],
        children[1]["execution_id"],
    ]
    assert [child["not_before"] for child in children] == [
        "2026-01-15T10:00:00Z",
        "2026-01-15T10:01:30Z",
        "2026-01-15T10:03:00Z",
    ]
    assert children[2]["ttl"] == int((NOW + timedelta(days=7, minutes=3)).timestamp())


async def test_a_config_in_the_entry_replaces_the_stored_one():
    """It does not merge; an empty one counts, null does not."""
    _, children = await spawn(
        [{"id": "one", "config": {"y": 2}}, {"id": "one", "config": {}}, {"id": "one", "config": None}]
    )

    assert [child["config"] for child in children] == [{"y": 2}, {}, {"x": 1}]


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("nowhere", "not_found"),
        ("helper:foreign", "not_found"),
        ("helper:off", "disabled"),
        ("helper:gone", "disabled"),
        ("helper:chain", "loop"),
        ("helper:root", "loop"),
    ],
)
async def test_a_guard_names_its_reason(identifier, reason):
    """The refused entry is reported and the next one still runs, keeping its position."""
    result, children = await spawn([identifier, "one"], delay_seconds=10)

    assert [refused.as_json() for refused in result.refused] == [{"helper": identifier, "reason": reason}]
    assert [(child["chain_index"], child.get("depends_on_execution_id")) for child in children] == [(1, None)]
    assert children[0]["not_before"] == "2026-01-15T10:00:10Z"


async def test_at_the_depth_limit_nothing_is_spawned():
    """A chain running at the limit refuses every entry, known or not."""
    result, children = await spawn(["one", "nowhere"], max_depth=1)

    assert [refused.reason for refused in result.refused] == ["depth_limit", "depth_limit"]
    assert children == []


async def test_a_root_has_a_budget_of_100_executions():
    """What exceeds it is refused."""
    result, children = await spawn(["one"] * 101)

    assert len(children) == 100
    assert [refused.reason for refused in result.refused] == ["budget"]


async def test_a_redelivered_parent_writes_the_same_children():
    """Ids are derived from parent, group and index."""
    state = RunState()
    _, first = await spawn(["one", "two"], state=state)
    _, second = await spawn(["one", "two"], state=state)

    assert [child["execution_id"] for child in first] == [child["execution_id"] for child in second]
    assert len(state.children) == 2


def test_ids_differ_by_parent_group_and_index():
    """No two children share an id."""
    ids = {
        child_execution_id(parent, group, index)
        for parent in ("exec:p", "exec:q")
        for group in ("primary", "on_success", "on_failure")
        for index in (0, 1)
    }

    assert len(ids) == 12
    assert all(text.startswith("exec:") for text in ids)


def test_a_stored_item_is_a_parent():
    """The worker spawns handlers for a parent it reads back."""
    item = {name: getattr(PARENT, name) for name in Parent.__dataclass_fields__} | {"status": "completed", "ttl": 1}
    item["chain_path"] = list(PARENT.chain_path)

    assert Parent.stored(item) == PARENT
    assert Parent.stored({"execution_id": "e", "helper_id": "h", "account_id": "a"}).chain_path == ()


@pytest.mark.parametrize(
    "entries", ["one", {"id": "one"}, [{"config": {}}], [{"id": 5}], [5], [None], [{"id": "x", "config": []}]]
)
def test_entries_of_another_form_are_refused(entries):
    """A list of identifiers or objects with a string id."""
    with pytest.raises(ValidationError):
        TypeAdapter(HelperEntries).validate_python(entries)
