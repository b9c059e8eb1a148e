from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

MOVE = {"source_field": "from", "target_field": "to"}


@pytest.mark.parametrize("value", ["text", 0, False, 12.5, ["a"]])
async def test_the_value_moves_with_its_type(value: Any) -> None:
    """Target first, then the blanked source."""
    run = await run_helper("move_it", MOVE, crm={"contact": {"id": "c1"}, "fields": {"from": value, "to": "old"}})

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"to": value, "from": ""}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "to", value),
        ("field_updated", "from", ""),
    ]
    assert (run.crm.field("c1", "to"), run.crm.field("c1", "from")) == (value, "")


@pytest.mark.parametrize("empty", [None, "", []])
async def test_an_empty_source_is_nothing_to_do(empty: Any) -> None:
    """The target keeps its value."""
    run = await run_helper("move_it", MOVE, crm={"contact": {"id": "c1"}, "fields": {"from": empty, "to": "old"}})

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert run.crm.field("c1", "to") == "old"


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        ({}, True),
        ({"preserve": False}, True),
        ({"preserve": True}, False),
        ({"overwrite": False}, False),
        ({"overwrite": True}, True),
        ({"preserve": False, "overwrite": False}, True),
        ({"preserve": None, "overwrite": False}, False),
        ({"preserve": True, "overwrite": True}, False),
    ],
)
async def test_preserve_decides_and_overwrite_stands_in_for_it(keys: dict[str, Any], moved: bool) -> None:
    """A kept target leaves the source uncleared; the legacy key counts only where preserve is absent."""
    run = await run_helper(
        "move_it", {**MOVE, **keys}, crm={"contact": {"id": "c1"}, "fields": {"from": "new", "to": "old"}}
    )

    assert run.output is not None
    assert run.output.success
    assert run.crm.field("c1", "to") == ("new" if moved else "old")
    assert run.crm.field("c1", "from") == ("" if moved else "new")


async def test_preserve_fills_an_empty_target() -> None:
    """Only a target with a value is kept."""
    run = await run_helper(
        "move_it", {**MOVE, "preserve": True}, crm={"contact": {"id": "c1"}, "fields": {"from": "new", "to": ""}}
    )

    assert run.crm.field("c1", "to") == "new"


async def test_a_failing_target_leaves_the_source_untouched() -> None:
    """The write failure is an error."""
    crm = {"contact": {"id": "c1"}, "fields": {"from": "new"}, "fail": {"set_field_value": ["to"]}}
    run = await run_helper("move_it", MOVE, crm=crm)

    assert run.error is not None
    assert run.crm.field("c1", "from") == "new"


async def test_only_the_clearing_failing_is_success_with_the_target() -> None:
    """The log tells that the source was not blanked."""
    crm = {"contact": {"id": "c1"}, "fields": {"from": "new"}, "fail": {"set_field_value": ["from"]}}
    run = await run_helper("move_it", MOVE, crm=crm)

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"to": "new"}
    assert [a.target for a in run.output.actions] == ["to"]
    assert any("clear from failed" in line for line in run.output.logs)
    assert run.crm.field("c1", "from") == "new"


async def test_a_rate_limited_clearing_is_retried(busy_crm: Any) -> None:
    """Only a permanent failure is left at that."""
    crm = busy_crm({"contact": {"id": "c1"}, "fields": {"from": "new"}}, set_field_value=["from"])
    run = await run_helper("move_it", MOVE, crm=crm)

    assert run.error is not None
    assert run.error.retryable


@pytest.mark.parametrize(
    ("source", "target"),
    [("first_name", "FirstName"), ("given_name", "firstname"), ("f1", "Favourite"), ("Favourite", "f1")],
)
async def test_two_names_of_one_field_are_nothing_to_do(source: str, target: str) -> None:
    """The value is not wiped."""
    crm = {"contact": {"id": "c1", "first_name": "Ada", "custom_fields": {"f1": "tea"}}}
    config = {"source_field": source, "target_field": target}
    sandbox = (await run_helper("move_it", MOVE, crm=crm)).crm
    sandbox.store.define("custom_fields", {"id": "f1", "key": "f1", "label": "Favourite"}, replace=True)
    run = await run_helper("move_it", config, crm=sandbox)

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert (run.crm.field("c1", "first_name"), run.crm.field("c1", "f1")) == ("Ada", "tea")


async def test_standard_fields_move_without_a_look_at_the_custom_fields() -> None:
    """Two canonical names can only be two fields."""
    crm = {"contact": {"id": "c1", "phone": "555"}, "fail": {"get_custom_fields": True}}
    run = await run_helper("move_it", {"source_field": "phone", "target_field": "company"}, crm=crm)

    assert run.output is not None
    assert run.crm.contact("c1").company == "555"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"source_field": "a"},
        {"source_field": "a", "target_field": "a"},
        {"source_field": "a", "target_field": " a "},
        {**MOVE, "preserve": "yes"},
        {**MOVE, "overwrite": 0},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """A field cannot move onto itself."""
    assert (await run_helper("move_it", config, crm={"contact": {"id": "c1"}})).config_error is not None
