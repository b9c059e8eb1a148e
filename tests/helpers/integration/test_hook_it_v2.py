"""hook_it_v2: event names to tags."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CRM = {"contact": {"id": "c1"}, "tags": [{"id": "77", "name": "Buyer"}, {"id": "9", "name": "Other"}]}


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, False),
        ({"event_tag_map": {}}, False),
        ({"event_tag_map": {"a": 1}}, False),
        ({"event_tag_map": ["a"]}, False),
        ({"event_tag_map": {"a": "1"}, "event_field": "", "default_tag_id": None}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """The map is required, its values are strings."""
    assert ((await run_helper("hook_it_v2", config, crm=CRM)).config_error is None) is valid


@pytest.mark.parametrize(
    ("config", "given", "event", "tag"),
    [
        ({}, {"event": "order"}, "order", "77"),
        ({"event_field": "a.0.kind"}, {"a": [{"kind": "order"}]}, "order", "77"),
        ({"event_field": "$.kind"}, {"kind": "order"}, "order", "77"),
        ({"event_field": "a.b"}, {"a.b": "order"}, "order", "77"),
        ({}, {"webhook_data": {"event": "order"}, "event": "other"}, "order", "77"),
        ({}, {"event": 5}, "5", "9"),
        ({}, {"event": 5.0}, "5", "9"),
        ({}, {"hook_action": "order"}, "order", "77"),
        ({"hook_action": "order"}, {"x": 1}, "order", "77"),
        ({"event": "order"}, {"x": 1}, "order", "77"),
        ({"webhook_data": {"event": "order"}}, {}, "order", "77"),
        ({"event_field": "event_type"}, {"eventType": "order"}, "order", "77"),
        ({}, {"event": "OrderCreated"}, "OrderCreated", "Buyer"),
        ({"default_tag_id": "9"}, {"event": "unknown"}, "unknown", "9"),
        ({"default_tag_id": "9"}, {}, "", "9"),
        ({}, {"event": "unknown"}, "unknown", None),
        ({}, {}, "", None),
    ],
)
async def test_routes(config: dict[str, Any], given: dict[str, Any], event: str, tag: str | None) -> None:
    """Where the event name comes from, and which tag it gets."""
    stored = {"event_tag_map": {"order": "77", "5": "9", "_order_created": "Buyer"}, **config}
    result = await run_helper("hook_it_v2", stored, crm=CRM, input=given)

    assert result.output is not None
    assert result.output.success
    if tag is None:
        assert result.output.modified_data == {"event_type": event, "tag_applied": False}
        assert result.output.actions == []
    else:
        assert result.output.modified_data == {"event_type": event, "tag_id": tag, "tag_applied": True}
        assert [(a.type, a.target, a.value) for a in result.output.actions] == [("tag_applied", "c1", tag)]


async def test_a_failing_tag_fails_the_run() -> None:
    """It is what the helper is for."""
    crm = {**CRM, "fail": {"apply_tag": True}}
    result = await run_helper("hook_it_v2", {"event_tag_map": {"a": "77"}}, crm=crm, input={"event": "a"})

    assert result.error is not None
    assert result.output is None
