from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def test_fields_are_blanked_in_order_without_duplicates() -> None:
    """An already empty field is written and counted as well."""
    run = await run_helper(
        "clear_it",
        {"fields": ["Phone", " coupon ", "Phone", "never"]},
        crm={"contact": {"id": "c1", "phone": "555"}, "fields": {"coupon": "SPRING"}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"Phone": "", "coupon": "", "never": ""}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "Phone", ""),
        ("field_updated", "coupon", ""),
        ("field_updated", "never", ""),
    ]
    assert run.crm.contact("c1").phone == ""
    assert run.crm.field("c1", "coupon") == ""


async def test_a_failing_field_does_not_stop_the_others() -> None:
    """The failure is logged, the rest is cleared and reported."""
    run = await run_helper(
        "clear_it",
        {"fields": ["a", "b", "c"]},
        crm={"contact": {"id": "c1"}, "fields": {"a": 1, "b": 2, "c": 3}, "fail": {"set_field_value": ["b"]}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"a": "", "c": ""}
    assert [a.target for a in run.output.actions] == ["a", "c"]
    assert [run.crm.field("c1", key) for key in "abc"] == ["", 2, ""]
    assert any("clear b failed" in line for line in run.output.logs)


async def test_nothing_cleared_is_a_failure() -> None:
    """None done and no retryable cause: success=false, without data."""
    run = await run_helper(
        "clear_it", {"fields": ["a"]}, crm={"contact": {"id": "c1"}, "fail": {"set_field_value": True}}
    )

    assert run.output is not None
    assert not run.output.success
    assert (run.output.actions, run.output.modified_data) == ([], {})


async def test_a_rate_limited_update_is_retried_as_a_whole(busy_crm: Any) -> None:
    """Field by field would only cost more calls; blanking twice does no harm."""
    crm = busy_crm({"contact": {"id": "c1"}}, set_field_values=True)
    run = await run_helper("clear_it", {"fields": ["a", "b"]}, crm=crm)

    assert run.error is not None
    assert run.error.retryable


async def test_nothing_cleared_under_a_rate_limit_is_retried(busy_crm: Any) -> None:
    """C6: one retryable cause makes the run retryable."""
    crm = busy_crm({"contact": {"id": "c1"}, "fail": {"set_field_value": ["a"]}}, set_field_value=["b"])
    run = await run_helper("clear_it", {"fields": ["a", "b"]}, crm=crm)

    assert run.error is not None
    assert run.error.retryable
    assert run.error.retry_after == 5


@pytest.mark.parametrize("fields", [[], None, "phone", ["phone", ""], [5], {"phone": ""}])
async def test_wrong_configs_are_refused(fields: Any) -> None:
    """At least one key, every entry a non-blank text."""
    assert (await run_helper("clear_it", {"fields": fields}, crm={"contact": {"id": "c1"}})).config_error is not None
