"""customer_lifetime_value: figures of the contact's invoices."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

ALL = {
    "lcv_total_orders": "orders",
    "lcv_total_spend": "spend",
    "lcv_average_order": "average",
    "lcv_total_due": "due",
}


def crm(paid: Any, due: Any, count: Any, nonzero: Any, **more: Any) -> dict[str, Any]:
    return {
        "contact": {"id": "c1"},
        "fields": {
            "_related.invoice.sum.TotalPaid": paid,
            "_related.invoice.sum.TotalDue": due,
            "_related.invoice.count": count,
            "_related.invoice.count.nonzero": nonzero,
        },
        **more,
    }


async def test_figures_are_written_as_text_and_reported_as_numbers() -> None:
    """Shortest decimals, without exponent; the order count is integer text."""
    run = await run_helper("customer_lifetime_value", ALL, crm=crm("1500.5", 2000, 12, 10))

    assert run.output is not None
    assert run.output.success
    assert {key: run.crm.field("c1", key) for key in ("orders", "spend", "average", "due")} == {
        "orders": "10",
        "spend": "1500.5",
        "average": "150.05",
        "due": "499.5",
    }
    assert run.output.modified_data == {
        "total_orders": 10,
        "total_spend": 1500.5,
        "average_order": 150.05,
        "total_owe": 499.5,
        "include_zero": "No",
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "orders", "10"),
        ("field_updated", "spend", "1500.5"),
        ("field_updated", "average", "150.05"),
        ("field_updated", "due", "499.5"),
    ]


@pytest.mark.parametrize(
    ("paid", "due", "count", "expected"),
    [
        (1234567.5, 1234567.5, 1, ("1234567.5", "1234567.5", "0")),
        (10.005, 0, 1, ("10.01", "10.01", "-10.01")),
        (100, 50, 3, ("100", "33.33", "-50")),
        (0, 25, 2, ("0", "0", "25")),
        (None, 25, 2, ("0", "0", "25")),
        (-5, 0, 1, ("-5", "0", "5")),
        ("123456789012345678.55", 0, 1, ("123456789012345678.55", "123456789012345678.55", "-123456789012345678.55")),
        (1e15, 0, 1, ("1000000000000000", "1000000000000000", "-1000000000000000")),
    ],
)
async def test_rounding_and_missing_sums(paid: Any, due: Any, count: int, expected: tuple[str, str, str]) -> None:
    """Two decimals, half away from zero, from unrounded totals; nothing is 0; the balance may be negative."""
    run = await run_helper("customer_lifetime_value", ALL, crm=crm(paid, due, count, count))

    assert tuple(run.crm.field("c1", key) for key in ("spend", "average", "due")) == expected


@pytest.mark.parametrize(
    ("include", "orders"),
    [("Yes", "12"), ("yes", "12"), (True, "12"), ("No", "10"), ("NO", "10"), (False, "10"), ("", "10")],
)
async def test_zero_value_invoices_count_on_request(include: Any, orders: str) -> None:
    """Yes and No in any case, booleans too."""
    run = await run_helper("customer_lifetime_value", {**ALL, "include_zero": include}, crm=crm(10, 10, 12, 10))

    assert run.crm.field("c1", "orders") == orders


async def test_no_invoices_is_a_no_op() -> None:
    """Nothing is written."""
    run = await run_helper("customer_lifetime_value", ALL, crm=crm(0, 0, 0, None))

    assert run.output is not None
    assert (run.output.success, run.output.actions, run.output.modified_data) == (True, [], {})


@pytest.mark.parametrize("value", ["", "no_save", None])
async def test_a_destination_may_be_switched_off(value: Any) -> None:
    """The others are saved."""
    run = await run_helper("customer_lifetime_value", {**ALL, "lcv_total_due": value}, crm=crm(10, 10, 1, 1))

    assert run.output is not None
    assert [a.target for a in run.output.actions] == ["orders", "spend", "average"]


@pytest.mark.parametrize(
    "config", [{}, {"lcv_total_orders": "no_save", "lcv_total_spend": ""}, {**ALL, "include_zero": "Maybe"}]
)
async def test_a_bad_config_is_refused(config: dict[str, Any]) -> None:
    """At least one destination, and a plain yes or no."""
    run = await run_helper("customer_lifetime_value", config, crm=crm(1, 1, 1, 1))

    assert run.config_error is not None


async def test_a_crm_without_invoices_is_a_permanent_failure() -> None:
    """Unsupported is not the same as none; Go reported "no invoices"."""
    run = await run_helper("customer_lifetime_value", ALL, crm={"contact": {"id": "c1"}, "platform": "hubspot"})

    assert run.error is not None
    assert not run.error.retryable


async def test_a_failed_read_surfaces() -> None:
    """Never taken for an empty field."""
    fail = {"get_field_value": ["_related.invoice.sum.TotalDue"]}
    run = await run_helper("customer_lifetime_value", ALL, crm=crm(1, 1, 1, 1, fail=fail))

    assert run.error is not None


async def test_one_failed_save_leaves_the_others_and_all_failed_is_a_failure() -> None:
    """D11."""
    one = await run_helper("customer_lifetime_value", ALL, crm=crm(1, 1, 1, 1, fail={"set_field_value": ["spend"]}))
    all_ = await run_helper("customer_lifetime_value", ALL, crm=crm(1, 1, 1, 1, fail={"set_field_value": True}))

    assert one.output is not None
    assert all_.output is not None
    assert one.output.success
    assert [a.target for a in one.output.actions] == ["orders", "average", "due"]
    assert not all_.output.success
