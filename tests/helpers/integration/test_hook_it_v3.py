"""hook_it_v3: payload fields to CRM fields."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM, run_helper

CRM = {"contact": {"id": "c1"}}
PAYLOAD = {
    "orderId": 7, "customer": {"firstName": "Ann", "tags": ["a", {"b": 1}]}, "zero": 0, "no": False, "null": None,
    "empty": "", "a.b": "flat", "total": 10.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, False),
        ({"field_mappings": {}}, False),
        ({"field_mappings": {"a": 1}}, False),
        ({"field_mappings": {"a": "b"}, "nested_separator": "", "skip_null_values": "false"}, True),
        ({"field_mappings": {"a": "b"}, "skip_null_values": "no"}, False),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """The map is required, its values are strings."""
    assert ((await run_helper("hook_it_v3", config, crm=CRM, input={"a": 1})).config_error is None) is valid


@pytest.mark.parametrize(
    ("path", "options", "value", "text"),
    [
        ("orderId", {}, 7, "7"),
        ("order_id", {}, 7, "7"),
        ("_order_id", {}, 7, "7"),
        ("customer.firstName", {}, "Ann", "Ann"),
        ("customer.first_name", {}, "Ann", "Ann"),
        ("$.customer.firstName", {}, "Ann", "Ann"),
        ("customer..firstName", {}, "Ann", "Ann"),
        ("customer->firstName", {"nested_separator": "->"}, "Ann", "Ann"),
        ("customer.tags.1.b", {}, 1, "1"),
        ("customer.tags", {}, '["a",{"b":1}]', '["a",{"b":1}]'),
        ("customer", {}, '{"firstName":"Ann","tags":["a",{"b":1}]}', '{"firstName":"Ann","tags":["a",{"b":1}]}'),
        ("a.b", {}, "flat", "flat"),
        ("zero", {}, 0, "0"),
        ("no", {}, False, "false"),
        ("total", {}, 10.0, "10"),
        ("empty", {"skip_null_values": False}, "", ""),
        ("null", {"skip_null_values": False}, None, ""),
    ],
)
async def test_values(path: str, options: dict[str, Any], value: Any, text: str) -> None:
    """Types are kept, containers are JSON text; the action shows field and text."""
    result = await run_helper("hook_it_v3", {"field_mappings": {path: "Target"}, **options}, crm=CRM, input=PAYLOAD)

    assert result.output is not None
    assert result.output.success
    assert result.output.modified_data == {"fields_updated": 1, "fields_attempted": 1}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "c1", f"Target={text}")]
    assert result.crm.field("c1", "Target") == value


@pytest.mark.parametrize("path", ["null", "empty", "nothing", "customer.tags.7", "customer.tags.x", "zero.deep"])
async def test_zero_updates_are_a_failed_output(path: str) -> None:
    """Skipped and missing values count as attempted mappings only."""
    result = await run_helper("hook_it_v3", {"field_mappings": {path: "T"}}, crm=CRM, input=PAYLOAD)

    assert result.output is not None
    assert not result.output.success
    assert result.output.modified_data == {"fields_updated": 0, "fields_attempted": 1}


async def test_a_failing_write_does_not_stop_the_others() -> None:
    """In stored order."""
    mappings = {"zero": "Bad", "orderId": "Good", "total": "Better"}
    crm = {**CRM, "fail": {"set_field_value": ["Bad"]}}
    result = await run_helper("hook_it_v3", {"field_mappings": mappings}, crm=crm, input=PAYLOAD)

    assert result.output is not None
    assert [a.value for a in result.output.actions] == ["Good=7", "Better=10"]
    assert result.output.modified_data == {"fields_updated": 2, "fields_attempted": 3}


async def test_a_retryable_failure_is_raised_after_the_other_writes() -> None:
    """Writes may be repeated."""

    class Limited(SandboxCRM):
        async def set_field_value(self, contact_id: str, field_key: str, value: Any) -> None:
            if field_key == "Bad":
                raise CrmError(CrmErrorCode.RATE_LIMITED, "slow down", platform="keap", retryable=True, retry_after=7)
            await super().set_field_value(contact_id, field_key, value)

    mappings = {"zero": "Bad", "orderId": "Good"}
    result = await run_helper("hook_it_v3", {"field_mappings": mappings}, crm=Limited(CRM), input=PAYLOAD)

    assert result.error is not None
    assert result.error.retryable
    assert result.error.retry_after == 7
    assert result.crm.field("c1", "Good") == 7
