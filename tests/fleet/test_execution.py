"""The execution item: ids, stored forms of the earlier platform, outputs that are too large."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.execution import MAX_OUTPUT_BYTES, Execution, error_text, new_execution_id, output_text, schedule_bucket


def test_an_execution_id_is_a_uuid7_of_now() -> None:
    """Version and variant are right, and the time inside is the time of creation."""
    before = time.time_ns() // 1_000_000
    value = uuid.UUID(new_execution_id().removeprefix("exec:"))

    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert before <= value.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_are_unique() -> None:
    """Also inside one millisecond."""
    assert len({new_execution_id() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("output", ['{"success":true}', {"success": True}])
def test_an_output_is_read_as_text_and_as_map(output: object) -> None:
    """Workers wrote JSON text, the earlier repository helper a map."""
    assert Execution(execution_id="e", output=output).result == {"success": True}


def test_attributes_of_the_earlier_platform_are_kept() -> None:
    """What this version does not know is stored back unchanged; nulls of maps are empty."""
    stored = {"execution_id": "e", "stripe_reported": True, "input": None, "config": None}

    execution = Execution.model_validate(stored)

    assert execution.input == {}
    assert execution.to_item()["stripe_reported"] is True


def test_empty_attributes_are_not_stored() -> None:
    """An empty string in an index key would be refused by DynamoDB."""
    stored = Execution(execution_id="e", status="queued").to_item()

    assert "schedule_bucket" not in stored
    assert "attempts" not in stored
    assert stored["status"] == "queued"


def test_an_output_over_the_size_limit_is_cut_with_a_note() -> None:
    """Message and actions survive where they fit; the note tells the original size."""
    small_actions = [{"type": "field_updated", "target": "x", "value": 1}]
    text = output_text(
        {"success": True, "message": "m", "actions": small_actions, "modified_data": {"x": "y" * 400_000}}
    )
    huge = output_text({"success": True, "message": "m" * 500_000, "actions": [{"value": "z" * 400_000}]})

    cut = json.loads(text)
    assert cut["actions"] == small_actions
    assert cut["modified_data"] == {}
    assert "cut" in cut["truncated"]
    assert len(huge.encode()) <= MAX_OUTPUT_BYTES
    assert json.loads(huge)["success"] is True


def test_results_and_errors_are_stored_in_whole_characters() -> None:
    """A table refuses half an emoji, and a result that cannot be stored would run its helper again."""
    assert json.loads(output_text({"message": "caf\ud83d", "emoji": "\U0001f600"})) == {
        "message": "caf\ufffd",
        "emoji": "\U0001f600",
    }
    assert error_text("half \ude00 " + "x" * 5000) == "half \ufffd " + "x" * 3993


def test_schedule_buckets_spread_executions() -> None:
    """Due items are not all in one partition."""
    assert len({schedule_bucket(new_execution_id()) for _ in range(200)}) == 4


def dynamodb_bytes(value: Any) -> int:
    """The size of a value by DynamoDB's rules (developer guide, "Item sizes and formats")."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode())
        case int():
            return (len(str(abs(value))) + 1) // 2 + 1 + (value < 0)
        case list():
            return 3 + sum(1 + dynamodb_bytes(entry) for entry in value)
        case dict():
            return 3 + sum(1 + len(key.encode()) + dynamodb_bytes(entry) for key, entry in value.items())
    raise AssertionError(value)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab", min_size=1), inner)))
def test_an_item_counts_for_no_less_than_dynamodb_counts(value: Any) -> None:
    """Else a result that is thought to fit is refused, and its helper runs again."""
    execution = Execution(execution_id="exec:1", helper_type="tag_it", input={"value": value})

    stored = sum(len(name.encode()) + dynamodb_bytes(held) for name, held in execution.to_item().items())

    assert execution.stored_bytes() >= stored


def test_empty_lists_in_lists_count_for_more_than_their_text() -> None:
    """DynamoDB keeps three bytes for each, and one for its place."""
    nested = {"value": [[[]] for _ in range(1000)]}
    execution = Execution(execution_id="exec:1", helper_type="tag_it", input=nested)

    assert execution.stored_bytes() >= dynamodb_bytes(nested) > len(json.dumps(nested))
