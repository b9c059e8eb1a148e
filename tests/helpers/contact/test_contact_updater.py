from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def test_fields_are_written_as_given() -> None:
    """Types are kept, null blanks the field, actions follow the order of the config."""
    fields = {"FirstName": "Ada", "age": 36, "vip": False, "rate": 1.5, "tags_of_interest": ["a", "b"], "coupon": None}
    run = await run_helper(
        "contact_updater", {"fields": fields}, crm={"contact": {"id": "c1"}, "fields": {"coupon": "SPRING"}}
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == fields
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "FirstName", "Ada"),
        ("field_updated", "age", 36),
        ("field_updated", "vip", False),
        ("field_updated", "rate", 1.5),
        ("field_updated", "tags_of_interest", ["a", "b"]),
        ("field_updated", "coupon", ""),
    ]
    assert run.crm.contact("c1").first_name == "Ada"
    assert [run.crm.field("c1", key) for key in ("age", "vip", "rate", "coupon")] == [36, False, 1.5, ""]


@pytest.mark.parametrize("key", ["FirstName", "firstName", "given_name", "first_name", "_first_name"])
async def test_standard_names_reach_the_standard_attribute(key: str) -> None:
    """Also the spelling to which the old web client re-cased FirstName."""
    run = await run_helper("contact_updater", {"fields": {key: "Ada"}}, crm={"contact": {"id": "c1"}})

    assert run.crm.contact("c1").first_name == "Ada"


async def test_no_fields_means_no_update_but_goals() -> None:
    """{} is valid and calls no update."""
    run = await run_helper(
        "contact_updater",
        {"fields": {}, "secondary_contact_ids": ["c2", "", 3, "c2", None]},
        crm={"contact": {"id": "c1"}, "extra_contacts": [{"id": "c2"}, {"id": "3"}], "fail": {"update_contact": True}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("goal_achieved", "c2", "contact_updated"),
        ("goal_achieved", "3", "contact_updated"),
    ]
    assert run.crm.goals_of("c2") == [{"goal": "contact_updated", "integration": "contact_updater"}]


async def test_failing_goals_are_only_logged() -> None:
    """The other contacts still get theirs."""
    run = await run_helper(
        "contact_updater",
        {"fields": {"a": 1}, "secondary_contact_ids": ["gone", "c2"]},
        crm={"contact": {"id": "c1"}, "extra_contacts": [{"id": "c2"}]},
    )

    assert run.output is not None
    assert run.output.success
    assert [(a.type, a.target) for a in run.output.actions] == [("field_updated", "a"), ("goal_achieved", "c2")]
    assert any("gone" in line for line in run.output.logs)


async def test_a_failing_update_is_an_error_and_fires_no_goal() -> None:
    """The goals come after the update."""
    run = await run_helper(
        "contact_updater",
        {"fields": {"a": 1}, "secondary_contact_ids": ["c2"]},
        crm={"contact": {"id": "c1"}, "extra_contacts": [{"id": "c2"}], "fail": {"update_contact": True}},
    )

    assert run.error is not None
    assert run.crm.goals_of("c2") == []


async def test_field_keys_are_trimmed() -> None:
    """As everywhere else."""
    run = await run_helper("contact_updater", {"fields": {" plan ": "Gold"}}, crm={"contact": {"id": "c1"}})

    assert run.output is not None
    assert run.output.modified_data == {"plan": "Gold"}
    assert run.crm.field("c1", "plan") == "Gold"


async def test_values_are_not_templates() -> None:
    """Merge syntax is written as it stands."""
    run = await run_helper("contact_updater", {"fields": {"a": "{{email}} @FirstName"}}, crm={"contact": {"id": "c1"}})

    assert run.crm.field("c1", "a") == "{{email}} @FirstName"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"fields": None},
        {"fields": []},
        {"fields": "a"},
        {"fields": {"a": {"b": 1}}},
        {"fields": {"": 1}},
        {"fields": {"a": 1, "  ": 2}},
        {"fields": {}, "secondary_contact_ids": "c2"},
        {"fields": {}, "secondary_contact_ids": [True]},
        {"fields": {}, "secondary_contact_ids": [{}]},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """fields is a required object of scalars and lists; the ids are a JSON array."""
    assert (await run_helper("contact_updater", config, crm={"contact": {"id": "c1"}})).config_error is not None
