from __future__ import annotations

from typing import Any

import pytest

from helpers import registry
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM, run_helper

CONTACT = {"id": "c1", "email": " ada@example.com ", "custom_fields": {"work_mail": "work@example.com"}}
TAGS = [{"id": "5", "name": "Confirmed"}, {"id": "6", "name": "Please confirm"}]


def crm(**more: Any) -> dict[str, Any]:
    return {"contact": CONTACT, "tags": TAGS, **more}


async def test_single_opt_in_sets_the_status_then_tags() -> None:
    """The data has no confirmation keys in single mode."""
    run = await run_helper("opt_in", {"reason": " form ", "confirmed_tag": 5, "confirmation_tag": "6"}, crm=crm())

    data = {
        "email": "ada@example.com",
        "contact_id": "c1",
        "action": "opt_in",
        "reason": " form ",
        "double_opt_in": False,
    }
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == data
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("tag_applied", "c1", "5"),
        ("opt_in_requested", "c1", data),
    ]
    assert run.crm.opt_ins_of("c1") == [{"email": "ada@example.com", "opt_in": True, "reason": " form "}]
    assert run.crm.tags_of("c1") == {"5"}


async def test_the_address_of_another_field_is_the_one_changed() -> None:
    """A non-primary address is handed to the connector."""
    run = await run_helper("opt_in", {"email_field": "work_mail"}, crm=crm())

    assert run.crm.opt_ins_of("c1")[0]["email"] == "work@example.com"


async def test_double_opt_in_only_tags() -> None:
    """The status stays; the confirmed tag is never applied by this run."""
    config = {"double_opt_in": True, "confirmation_tag": "Please confirm", "confirmed_tag": "5"}
    run = await run_helper("opt_in", config, crm=crm())

    data = {
        "email": "ada@example.com",
        "contact_id": "c1",
        "action": "opt_in",
        "reason": "",
        "double_opt_in": True,
        "confirmation_tag": "Please confirm",
        "confirmed_tag": "5",
    }
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == data
    assert [(a.type, a.value) for a in run.output.actions] == [
        ("tag_applied", "Please confirm"),
        ("opt_in_requested", data),
    ]
    assert run.crm.opt_ins_of("c1") == []
    assert run.crm.tags_of("c1") == {"6"}


async def test_an_unset_confirmed_tag_is_reported_as_empty_text() -> None:
    """In double mode both keys are always there."""
    run = await run_helper("opt_in", {"double_opt_in": True, "confirmation_tag": "6", "confirmed_tag": ""}, crm=crm())

    assert run.output is not None
    assert run.output.modified_data["confirmed_tag"] == ""


async def test_double_opt_in_without_confirmation_tag_fails() -> None:
    """Nothing could ever start the confirmation."""
    run = await run_helper("opt_in", {"double_opt_in": True, "confirmed_tag": "5"}, crm=crm())

    assert run.output is not None
    assert not run.output.success
    assert run.crm.tags_of("c1") == set()


@pytest.mark.parametrize(
    "config", [{"email_field": "nothing"}, {"email_field": "nothing", "double_opt_in": True, "confirmation_tag": "6"}]
)
async def test_no_address_calls_nothing(config: dict[str, Any]) -> None:
    """success=false, no status, no tag."""
    run = await run_helper("opt_in", config, crm=crm())

    assert run.output is not None
    assert not run.output.success
    assert run.output.actions == []
    assert run.crm.opt_ins_of("c1") == []


@pytest.mark.parametrize("fail", [{"set_opt_in_status": True}, {"get_field_value": True}])
async def test_a_failing_status_call_is_an_error_without_tag(fail: dict[str, Any]) -> None:
    """No tag, no opt_in_requested."""
    run = await run_helper("opt_in", {"confirmed_tag": "5"}, crm=crm(fail=fail))

    assert run.output is None
    assert run.error is not None
    assert run.crm.tags_of("c1") == set()


@pytest.mark.parametrize("code", [CrmErrorCode.CONFLICT, CrmErrorCode.PARTIAL])
async def test_a_refused_opt_in_is_a_failed_output(monkeypatch: pytest.MonkeyPatch, code: CrmErrorCode) -> None:
    """The CRM keeps the status of an address that bounced: nothing is tagged, nothing requested."""
    sandbox = SandboxCRM(crm())

    async def refuse(*_given: Any, **_named: Any) -> None:
        raise CrmError(code, "Keap keeps the status HardBounce", platform="keap", status_code=200)

    monkeypatch.setattr(sandbox, "set_opt_in_status", refuse)
    run = await run_helper("opt_in", {"confirmed_tag": "5"}, crm=sandbox)

    assert run.output is not None
    assert not run.output.success
    assert "keeps the status" in run.output.message
    assert (run.output.modified_data, run.output.actions) == ({}, [])
    assert run.crm.tags_of("c1") == set()


async def test_the_confirmed_tag_is_soft() -> None:
    """The opt-in itself stands."""
    run = await run_helper("opt_in", {"confirmed_tag": "5"}, crm=crm(fail={"apply_tag": ["5"]}))

    assert run.output is not None
    assert run.output.success
    assert [a.type for a in run.output.actions] == ["opt_in_requested"]


async def test_a_failing_confirmation_tag_is_an_error() -> None:
    """In double mode the tag is the whole effect."""
    config = {"double_opt_in": True, "confirmation_tag": "6"}
    run = await run_helper("opt_in", config, crm=crm(fail={"apply_tag": True}))

    assert run.error is not None


async def test_it_is_published_for_keap_and_runs_elsewhere() -> None:
    """supported_crms is informational; Stripe has no consent at all."""
    assert registry.load("opt_in").supported_crms == ("keap",)
    hubspot = await run_helper("opt_in", {}, crm=crm(platform="hubspot"))
    stripe = await run_helper("opt_in", {}, crm=crm(platform="stripe"))

    assert hubspot.output is not None
    assert hubspot.output.success
    assert stripe.error is not None
    assert not stripe.error.retryable


@pytest.mark.parametrize(
    "config", [{"email_field": 5}, {"double_opt_in": "true"}, {"confirmed_tag": True}, {"reason": 5}]
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Types are strict."""
    assert (await run_helper("opt_in", config, crm=crm())).config_error is not None
