from __future__ import annotations

from typing import Any

import pytest

from helpers import registry
from helpers.testing import run_helper


async def test_the_company_is_linked_through_the_company_attribute() -> None:
    """The trimmed name is written to company; the action says company_linked."""
    run = await run_helper(
        "company_link", {"company_field": "employer"}, crm={"contact": {"id": "c1"}, "fields": {"employer": " Acme "}}
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"company": "Acme"}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("company_linked", "c1", "Acme")]
    assert run.crm.contact("c1").company == "Acme"


async def test_a_number_is_taken_as_text() -> None:
    """C4 holds for the name."""
    run = await run_helper(
        "company_link", {"company_field": "employer"}, crm={"contact": {"id": "c1"}, "fields": {"employer": 1000000.0}}
    )

    assert run.crm.contact("c1").company == "1000000"


@pytest.mark.parametrize("empty", [None, "", "   ", [], {}])
async def test_no_name_is_nothing_to_do(empty: Any) -> None:
    """An empty field leaves the company alone."""
    run = await run_helper(
        "company_link",
        {"company_field": "employer"},
        crm={"contact": {"id": "c1", "company": "Old"}, "fields": {"employer": empty}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert run.crm.contact("c1").company == "Old"


@pytest.mark.parametrize("fail", [{"get_field_value": True}, {"set_field_value": True}])
async def test_read_and_write_failures_are_errors(fail: dict[str, Any]) -> None:
    """Nothing is swallowed."""
    run = await run_helper(
        "company_link",
        {"company_field": "employer"},
        crm={"contact": {"id": "c1"}, "fields": {"employer": "Acme"}, "fail": fail},
    )

    assert run.error is not None


async def test_it_is_published_for_keap_and_runs_elsewhere() -> None:
    """supported_crms is informational."""
    run = await run_helper(
        "company_link",
        {"company_field": "employer"},
        crm={"platform": "hubspot", "contact": {"id": "c1"}, "fields": {"employer": "Acme"}},
    )

    assert registry.load("company_link").supported_crms == ("keap",)
    assert run.output is not None
    assert run.output.success


@pytest.mark.parametrize("config", [{}, {"company_field": ""}, {"default": "Acme", "to_field": "company"}])
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The keys of the old form were never valid."""
    assert (await run_helper("company_link", config, crm={"contact": {"id": "c1"}})).config_error is not None
