from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


@pytest.mark.parametrize(("owner_id", "text"), [("42", "42"), (" 42 ", "42"), (42, "42"), (1234567, "1234567")])
async def test_the_owner_is_written_as_text(owner_id: Any, text: str) -> None:
    """An integer becomes plain decimal text; the default field is the native owner."""
    run = await run_helper("assign_it", {"owner_id": owner_id}, crm={"contact": {"id": "c1", "owner_id": "7"}})

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"owner_id": text}
    assert [a.model_dump() for a in run.output.actions] == [
        {"type": "field_updated", "target": "owner_id", "value": text}
    ]
    assert run.crm.contact("c1").owner_id == text


@pytest.mark.parametrize("alias", ["OwnerID", "ownerId", "owner", "assignedTo", "hubspot_owner_id"])
async def test_owner_aliases_reach_the_native_owner(alias: str) -> None:
    """C2: the key is echoed as configured, the native owner is written."""
    run = await run_helper("assign_it", {"owner_id": 42, "owner_field": alias}, crm={"contact": {"id": "c1"}})

    assert run.output is not None
    assert run.output.modified_data == {alias: "42"}
    assert run.crm.contact("c1").owner_id == "42"


@pytest.mark.parametrize("blank", ["", "  ", None])
async def test_a_blank_owner_field_is_the_default(blank: Any) -> None:
    """The old form stored "" for an untouched input."""
    run = await run_helper("assign_it", {"owner_id": 42, "owner_field": blank}, crm={"contact": {"id": "c1"}})

    assert run.output is not None
    assert run.output.modified_data == {"owner_id": "42"}


async def test_another_owner_field_is_written_as_configured() -> None:
    """A custom field may hold the owner."""
    run = await run_helper("assign_it", {"owner_id": 42, "owner_field": "rep"}, crm={"contact": {"id": "c1"}})

    assert run.crm.field("c1", "rep") == "42"


async def test_the_same_owner_again_is_fine() -> None:
    """There is no check of the previous owner."""
    run = await run_helper("assign_it", {"owner_id": 7}, crm={"contact": {"id": "c1", "owner_id": "7"}})

    assert run.output is not None
    assert len(run.output.actions) == 1


async def test_a_failing_write_is_an_error() -> None:
    """The connector error is raised with its own flag."""
    run = await run_helper(
        "assign_it", {"owner_id": 7}, crm={"contact": {"id": "c1"}, "fail": {"set_field_value": True}}
    )

    assert run.output is None
    assert run.error is not None
    assert not run.error.retryable


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"owner_id": ""},
        {"owner_id": "  "},
        {"owner_id": None},
        {"owner_id": True},
        {"owner_id": {}},
        {"owner_id": ["7"]},
        {"owner_id": "7", "owner_field": 5},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """C1: an id is a text or an integer."""
    run = await run_helper("assign_it", config, crm={"contact": {"id": "c1"}})

    assert run.config_error is not None
