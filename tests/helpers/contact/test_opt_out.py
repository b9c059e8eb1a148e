from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CONTACT = {"id": "c1", "email": "ada@example.com"}
TAGS = [{"id": "5", "name": "Unsubscribed"}]
FULL = {
    "reason": "too many",
    "reason_field": "why",
    "unsubscribe_tag": "Unsubscribed",
    "category": "frequency_too_high",
}


def crm(**more: Any) -> dict[str, Any]:
    return {"contact": CONTACT, "tags": TAGS, **more}


async def test_the_status_is_set_then_noted() -> None:
    """Field, tag, opt_out_requested, in this order."""
    run = await run_helper("opt_out", FULL, crm=crm())

    data = {
        "email": "ada@example.com",
        "contact_id": "c1",
        "action": "opt_out",
        "reason": "too many",
        "category": "frequency_too_high",
    }
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == data
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "why", "too many"),
        ("tag_applied", "c1", "Unsubscribed"),
        ("opt_out_requested", "c1", data),
    ]
    assert run.crm.opt_ins_of("c1") == [{"email": "ada@example.com", "opt_in": False, "reason": "too many"}]
    assert run.crm.field("c1", "why") == "too many"
    assert run.crm.tags_of("c1") == {"5"}


@pytest.mark.parametrize("unset", [{}, {"category": "", "reason": "", "reason_field": "why", "unsubscribe_tag": ""}])
async def test_unset_keys_are_left_out_and_reported_empty(unset: dict[str, Any]) -> None:
    """An empty reason is not written to the reason field."""
    run = await run_helper("opt_out", unset, crm=crm(fields={"why": "old"}))

    assert run.output is not None
    assert run.output.modified_data["reason"] == ""
    assert run.output.modified_data["category"] == ""
    assert [a.type for a in run.output.actions] == ["opt_out_requested"]
    assert run.crm.field("c1", "why") == "old"


async def test_a_failing_status_call_is_an_error_with_nothing_written() -> None:
    """Compliance comes first."""
    run = await run_helper("opt_out", FULL, crm=crm(fail={"set_opt_in_status": True}))

    assert run.error is not None
    assert run.crm.field("c1", "why") is None
    assert run.crm.tags_of("c1") == set()


async def test_reason_field_and_tag_are_soft() -> None:
    """The opt-out stands without them."""
    run = await run_helper("opt_out", FULL, crm=crm(fail={"set_field_value": True, "apply_tag": True}))

    assert run.output is not None
    assert run.output.success
    assert [a.type for a in run.output.actions] == ["opt_out_requested"]
    assert len(run.output.logs) == 2


async def test_no_address_writes_nothing() -> None:
    """success=false."""
    run = await run_helper("opt_out", {**FULL, "email_field": "nothing"}, crm=crm())

    assert run.output is not None
    assert not run.output.success
    assert run.crm.opt_ins_of("c1") == []
    assert run.crm.tags_of("c1") == set()


async def test_it_may_be_repeated() -> None:
    """Opting out twice is fine."""
    first = await run_helper("opt_out", FULL, crm=crm())
    second = await run_helper("opt_out", FULL, crm=first.crm)

    assert first.output is not None
    assert second.output == first.output


@pytest.mark.parametrize("config", [{"category": "spam"}, {"category": "Other"}, {"category": 5}, {"reason_field": 5}])
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The category is one of six, case-sensitive."""
    assert (await run_helper("opt_out", config, crm=crm())).config_error is not None
