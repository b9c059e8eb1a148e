from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "555-0100",
    "company": "Acme",
    "job_title": "Analyst",
    "custom_fields": {
        "CompanySize": 1000000.0,
        "acme": "ACME!",
        "loop": "@FirstName",
        "nothing": None,
        "no_object": {},
        "_x": [1, "b"],
    },
}
NOW = "2026-03-01T23:30:15-05:00"


@pytest.mark.parametrize(
    ("default", "text"),
    [
        ("plain", "plain"),
        ("  spaces kept ", "  spaces kept "),
        ("@date_now", "2026-03-02 04:30:15"),
        ("on @date_today!", "on 2026-03-02!"),
        ("x@date_todayx", "x2026-03-02x"),
        ("@Date_Today", "@Date_Today"),
        ("now", "2026-03-02 04:30:15"),
        (' "Today" ', "2026-03-02"),
        ('""NOW""', "2026-03-02 04:30:15"),
        ("now and then", "now and then"),
        ("@FirstName @LastName", "Ada Lovelace"),
        ("@Email/@Phone1/@Company/@JobTitle/@Id", "ada@example.com/555-0100/Acme/Analyst/c1"),
        ("in@FirstNameword", "inAdaword"),
        ("@firstname", "@firstname"),
        ("@CompanySize", "1000000"),
        ("@CompanySizes @Companys", "1000000s Acmes"),
        ("@loop", "@FirstName"),
        ("@nothing|", "|"),
        ("@no_object|", "|"),
        ("@_x", "1,b"),
        ("help@example.org @Phone @Unknown", "help@example.org @Phone @Unknown"),
        ("@@FirstName", "@Ada"),
    ],
)
async def test_text_macros_and_tokens(default: str, text: str) -> None:
    """One pass, longest known token first, UTC, unknown tokens as written."""
    run = await run_helper(
        "default_to_field", {"default": default, "to_field": "to"}, crm={"contact": CONTACT}, now=NOW
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"to": text}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "to", text)]
    assert run.crm.field("c1", "to") == text


async def test_an_existing_value_is_overwritten() -> None:
    """It never was "only if empty"."""
    run = await run_helper("default_to_field", {"default": "new", "to_field": "Company"}, crm={"contact": CONTACT})

    assert run.crm.contact("c1").company == "new"


@pytest.mark.parametrize("default", ["@nothing", "@FirstName"])
async def test_an_empty_result_leaves_the_field_alone(default: str) -> None:
    """A successful no-op."""
    run = await run_helper(
        "default_to_field",
        {"default": default, "to_field": "to"},
        crm={"contact": {"id": "c1"}, "fields": {"nothing": None, "to": "old"}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert run.crm.field("c1", "to") == "old"


@pytest.mark.parametrize("fail", [{"get_contact": True}, {"set_field_value": True}])
async def test_an_unreadable_contact_is_an_error_with_nothing_written(fail: dict[str, Any]) -> None:
    """The raw template never reaches the CRM."""
    run = await run_helper(
        "default_to_field",
        {"default": "@FirstName", "to_field": "to"},
        crm={"contact": CONTACT, "fail": fail},
    )

    assert run.error is not None
    assert run.crm.field("c1", "to") is None


@pytest.mark.parametrize(
    "config",
    [
        {"default": "", "to_field": "a"},
        {"default": None, "to_field": "a"},
        {"default": 5, "to_field": "a"},
        {"default": "x"},
        {"default": "x", "to_field": " "},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Both keys are required texts."""
    assert (await run_helper("default_to_field", config, crm={"contact": CONTACT})).config_error is not None
