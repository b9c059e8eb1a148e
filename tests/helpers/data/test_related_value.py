"""get_the_first and get_the_last: one value of the oldest or newest related record."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CONFIG = {"type": "invoice", "from_field": "InvoiceTotal", "to_field": "t"}
BOTH = pytest.mark.parametrize(("helper_type", "position"), [("get_the_first", "first"), ("get_the_last", "last")])


async def run(helper_type: str, crm: dict[str, Any], **config: Any) -> Any:
    return await run_helper(helper_type, {**CONFIG, **config}, crm={"contact": {"id": "c1"}, **crm})


@BOTH
@pytest.mark.parametrize(
    ("value", "text"), [("INV-7", "INV-7"), (1500000.0, "1500000"), (12.5, "12.5"), (0, "0"), (False, "false")]
)
async def test_the_value_is_written_as_text(helper_type: str, position: str, value: Any, text: str) -> None:
    """Large numbers have no exponent; 0 and false are values."""
    result = await run(helper_type, {"fields": {f"_related.invoice.{position}.InvoiceTotal": value}})

    assert result.crm.field("c1", "t") == text
    assert result.output.modified_data == {"t": text}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "t", text)]


@pytest.mark.parametrize("kind", ["invoice", "job", "subscription", "lead", "creditcard", "payment"])
async def test_every_kind_of_record_has_its_key(kind: str) -> None:
    """The kind is part of the key that the connector answers."""
    result = await run("get_the_last", {"fields": {f"_related.{kind}.last.InvoiceTotal": "v"}}, type=kind)
    assert result.crm.field("c1", "t") == "v"


@BOTH
@pytest.mark.parametrize("value", [None, ""])
async def test_no_record_means_no_fallback(helper_type: str, position: str, value: Any) -> None:
    """A connector that supports related data and has none is believed."""
    fields = {f"_related.invoice.{position}.InvoiceTotal": value, "InvoiceTotal": "own"}
    result = await run(helper_type, {"fields": fields})

    assert result.output.success
    assert (result.output.actions, result.output.modified_data) == ([], {})
    assert result.crm.field("c1", "t") is None


@BOTH
async def test_a_crm_without_related_data_falls_back_to_the_contact_field(helper_type: str, position: str) -> None:
    """The fallback is logged."""
    result = await run(helper_type, {"platform": "hubspot", "fields": {"InvoiceTotal": "own"}})

    assert result.crm.field("c1", "t") == "own"
    assert result.output.logs


@BOTH
async def test_a_failing_read_is_no_missing_record(helper_type: str, position: str) -> None:
    """Errors of the connector surface."""
    key = f"_related.invoice.{position}.InvoiceTotal"
    result = await run(helper_type, {"fields": {"InvoiceTotal": "own"}, "fail": {"get_field_value": [key]}})

    assert result.error is not None
    assert result.crm.field("c1", "t") is None


@pytest.mark.parametrize(
    "config", [{"type": "order"}, {"type": None}, {"from_field": ""}, {"to_field": ""}, {"to_field": 3}]
)
async def test_a_wrong_config_is_refused(config: dict[str, Any]) -> None:
    """All three keys are required."""
    assert (await run("get_the_first", {}, **config)).config_error is not None
