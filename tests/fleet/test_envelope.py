"""From an item to a message: which records are sent, in which group, with which body."""

from __future__ import annotations

import json
import re

import pytest

from fleet.envelope import deduplication_id, is_dispatchable, message_body, message_group_id
from fleet.execution import new_execution_id


@pytest.mark.parametrize(
    ("event", "image", "expected"),
    [
        ("INSERT", {"status": "queued"}, True),
        ("INSERT", {"status": "scheduled", "not_before": "x"}, False),
        ("INSERT", {"status": "completed"}, False),
        ("MODIFY", {"status": "queued", "not_before": "x"}, True),
        ("MODIFY", {"status": "queued"}, False),
        ("MODIFY", {"status": "queued", "not_before": "x", "first_attempt_at": "y", "attempts": 0}, False),
        ("MODIFY", {"status": "running", "not_before": "x"}, False),
        ("REMOVE", {}, False),
        ("REMOVE", {"status": "queued", "not_before": "x"}, False),
    ],
)
def test_only_new_and_newly_due_executions_are_dispatched(event: str, image: dict[str, str], expected: bool) -> None:
    """Our own result and retry writes come back on the stream and must not loop."""
    assert is_dispatchable(event, image) is expected


def test_work_on_one_contact_is_one_group() -> None:
    """Different contacts, and the same contact id of another account, are different groups."""
    first = {"execution_id": "exec:1", "account_id": "a", "contact_id": "c1"}

    assert message_group_id(first) == message_group_id({**first, "execution_id": "exec:2"})
    assert message_group_id(first) != message_group_id({**first, "contact_id": "c2"})
    assert message_group_id(first) != message_group_id({**first, "account_id": "b"})


def test_without_a_contact_every_execution_is_its_own_group() -> None:
    """The first characters of an id are the same for years: never group by them."""
    ids = [new_execution_id() for _ in range(3)]

    assert len({message_group_id({"execution_id": id_, "account_id": "a"}) for id_ in ids}) == 3


@pytest.mark.parametrize("contact_id", ["c" * 128, "Jürgen", "with blank", "line\nbreak"])
def test_a_group_that_sqs_would_refuse_is_hashed(contact_id: str) -> None:
    """128 characters of ASCII without blanks are allowed; the hash is stable."""
    image = {"execution_id": "exec:1", "account_id": "a", "contact_id": contact_id}

    group = message_group_id(image)

    assert re.fullmatch(r"[0-9a-f]{64}", group)
    assert group == message_group_id(image)


@pytest.mark.parametrize(
    ("execution_id", "expected"), [("exec:0f5d", "exec-0f5d"), ("a b/c", "a-b-c"), ("ok-1_2.3", "ok-1_2.3")]
)
def test_the_deduplication_id_has_the_alphabet_every_sqs_accepts(execution_id: str, expected: str) -> None:
    """LocalStack refuses what AWS allows."""
    assert deduplication_id(execution_id) == expected


def test_a_long_execution_id_makes_a_short_deduplication_id() -> None:
    """At most 128 characters."""
    assert len(deduplication_id("e" * 400)) == 64


def test_the_body_holds_what_a_worker_needs_and_nothing_else() -> None:
    """ASCII JSON: SQS refuses some characters that a contact's text may hold."""
    image = {
        "execution_id": "exec:1",
        "helper_type": "tag_it",
        "config": {"text": "Jürgen \ufffe \x01"},
        "api_key": "raw key of the earlier platform",
        "status": "queued",
        "ttl": 1,
    }

    body = message_body(image)

    assert body.isascii()
    assert json.loads(body) == {"execution_id": "exec:1", "helper_type": "tag_it", "config": image["config"]}


def test_a_body_that_no_queue_takes_leaves_out_what_the_execution_holds() -> None:
    """An accented letter is six characters of JSON, an item of 400 KB up to 1.2 MB."""
    image = {"execution_id": "exec:1", "helper_type": "tag_it", "contact_id": "c", "input": {"text": "é" * 50_000}}

    body = message_body(image)

    assert json.loads(body) == {"execution_id": "exec:1", "helper_type": "tag_it", "contact_id": "c"}
    assert json.loads(message_body({**image, "input": {"text": "é" * 40_000}}))["input"]["text"] == "é" * 40_000
