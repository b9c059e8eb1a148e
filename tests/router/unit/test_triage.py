"""What a stream record asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fleet.marshalling import item
from router.triage import Poison, Routable, triage

ITEM: dict[str, Any] = {
    "execution_id": "exec:1",
    "helper_type": "tag_it",
    "account_id": "a1",
    "contact_id": "c1",
    "status": "queued",
    "config": {"tag_ids": ["1"], "ratio": 1.5},
}


def record(event: str = "INSERT", **changes: Any) -> dict[str, Any]:
    values = {name: value for name, value in {**ITEM, **changes}.items() if value is not None}
    return {"eventName": event, "dynamodb": {"SequenceNumber": "1", "NewImage": item(values)}}


def test_a_new_queued_execution_is_routed() -> None:
    """To the queue of its type, in the group of its contact, with its id for deduplication."""
    decision = triage(record())

    assert isinstance(decision, Routable)
    assert (decision.helper_type, decision.group_id, decision.deduplication_id) == ("tag_it", "a1:c1", "exec-1")
    assert json.loads(decision.body)["config"] == {"tag_ids": ["1"], "ratio": 1.5}


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        pytest.param("INSERT", {"status": "scheduled"}, id="a scheduled item waits for the scheduler"),
        pytest.param("MODIFY", {"status": "running"}, id="a claim"),
        pytest.param("MODIFY", {"status": "completed"}, id="a result"),
        pytest.param("MODIFY", {}, id="a retry of an item that was never scheduled"),
        pytest.param(
            "MODIFY",
            {"not_before": "2026-01-15T10:00:00Z", "first_attempt_at": "2026-01-15T10:00:01Z"},
            id="a retry, or an attempt given back, of an item that was scheduled",
        ),
        pytest.param("REMOVE", {}, id="a deletion by TTL"),
    ],
)
def test_what_is_no_request_is_dropped(event: str, changes: dict[str, Any]) -> None:
    """Our own writes come back on the stream."""
    assert triage(record(event, **changes)) is None


def test_a_scheduled_execution_that_fell_due_is_routed() -> None:
    """The scheduler's write is a MODIFY to queued with a not_before and no attempt yet."""
    assert isinstance(triage(record("MODIFY", not_before="2026-01-15T10:00:00Z")), Routable)


@pytest.mark.parametrize(
    ("broken", "execution_id", "reason"),
    [
        ({}, "", "no new image"),
        ({"eventName": "INSERT"}, "", "no new image"),
        ({"eventName": "INSERT", "dynamodb": {"Keys": item({"execution_id": "exec:1"})}}, "", "no new image"),
        ({"dynamodb": {"NewImage": item(ITEM)}}, "", "malformed"),
        ({"eventName": "INSERT", "dynamodb": {"NewImage": {"status": {"X": "queued"}}}}, "", "malformed"),
        ({"eventName": "INSERT", "dynamodb": {"NewImage": {"status": "queued"}}}, "", "malformed"),
        ({"eventName": "MODIFY", "dynamodb": {"NewImage": {"status": "queued"}}}, "", "malformed"),
        (record(helper_type=None), "exec:1", "no helper_type"),
        (record(helper_type=7), "exec:1", "no helper_type"),
        (record(execution_id=None), "", "no execution_id"),
        (record(config={"blob": b"\x00"}), "exec:1", "cannot be written as JSON"),
    ],
)
def test_what_can_never_be_routed_is_poison(broken: dict[str, Any], execution_id: str, reason: str) -> None:
    """With the reason, and the execution where the record tells it."""
    decision = triage(broken)

    assert isinstance(decision, Poison)
    assert decision.execution_id == execution_id
    assert reason in decision.reason
