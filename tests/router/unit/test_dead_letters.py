"""Poison records: whole into the dead-letter queue, their execution failed with the reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.metrics import Metrics
from fleet.testing.streams.faults import client_error
from fleet.transition import TransitionRefused
from router.dead_letters import DeadLetters, dead_letter_queue_from_ssm
from router.outbox import DEAD_LETTERS, Entry
from router.testing import RecordingSqs

RECORD = {
    "eventName": "INSERT",
    "dynamodb": {
        "ApproximateCreationDateTime": datetime(2026, 1, 15, 10, tzinfo=UTC),
        "NewImage": {"execution_id": {"S": "exec:1"}, "blob": {"B": b"\x00\x01"}, "set": {"SS": {"b", "a"}}},
    },
}


class Executions:
    def __init__(self) -> None:
        self.rejected: list[tuple[str, str, str]] = []
        self.refuse = False
        self.failure: Exception | None = None

    async def reject(self, execution_id: str, *, error_type: str, error_message: str) -> None:
        if self.failure is not None:
            raise self.failure
        if self.refuse:
            raise TransitionRefused("reject", execution_id, "terminal", None)
        self.rejected.append((execution_id, error_type, error_message))


@pytest.fixture
def sqs() -> RecordingSqs:
    return RecordingSqs()


@pytest.fixture
def executions() -> Executions:
    return Executions()


def letters(sqs: RecordingSqs, executions: Executions, url: str | None = "https://sqs/dlq") -> DeadLetters:
    async def queue_url() -> str | None:
        return url

    return DeadLetters(sqs, executions, queue_url, Metrics(enabled=False))


def entry(execution_id: str = "exec:1", record: Any = RECORD, reason: str = "no queue") -> Entry:
    return Entry("7", DEAD_LETTERS, "7", record, execution_id, "no_it", reason=reason)


async def test_the_whole_record_is_kept_and_the_execution_says_why(sqs: RecordingSqs, executions: Executions) -> None:
    """Everything JSON can hold, bytes as base64, and the reason as an attribute."""
    await letters(sqs, executions).bury(entry())

    (message,) = sqs.dead_letters
    body = json.loads(message["MessageBody"])
    assert body["dynamodb"]["NewImage"]["execution_id"] == {"S": "exec:1"}
    assert body["dynamodb"]["NewImage"]["blob"] == {"B": "AAE="}
    assert body["dynamodb"]["NewImage"]["set"] == {"SS": ["a", "b"]}
    assert body["dynamodb"]["ApproximateCreationDateTime"] == "2026-01-15T10:00:00+00:00"
    assert message["MessageAttributes"]["reason"]["StringValue"] == "no queue"
    assert executions.rejected == [("exec:1", "Unroutable", "could not be routed: no queue")]


async def test_of_a_record_that_no_queue_takes_its_keys_are_kept(sqs: RecordingSqs, executions: Executions) -> None:
    """400 KB of accented text are 1.2 MB of JSON: tried again for ever it would stop its shard."""
    image = {"execution_id": {"S": "exec:1"}, "input": {"S": "é" * 190_000}}
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"execution_id": {"S": "exec:1"}}, "NewImage": image}}
    await letters(sqs, executions).bury(entry(record=record))

    (message,) = sqs.dead_letters
    body = json.loads(message["MessageBody"])
    assert (body["eventName"], body["dynamodb"]) == ("INSERT", {"Keys": {"execution_id": {"S": "exec:1"}}})
    assert "NewImage" in body["truncated"]
    assert len(executions.rejected) == 1


async def test_what_no_attribute_may_hold_becomes_a_question_mark(sqs: RecordingSqs, executions: Executions) -> None:
    """Ids and reasons come from the record, which may hold any character."""
    await letters(sqs, executions).bury(entry("exec:\x00", reason="no \x07 queue"))

    attributes = sqs.dead_letters[0]["MessageAttributes"]
    assert {name: value["StringValue"] for name, value in attributes.items()} == {
        "reason": "no ? queue",
        "execution_id": "exec:?",
    }


async def test_an_execution_that_has_no_room_for_the_reason_stops_no_shard(
    sqs: RecordingSqs, executions: Executions
) -> None:
    """DynamoDB refuses to make an item of 400 KB larger; the dead letter tells by itself."""
    executions.failure = client_error("UpdateItem", "ValidationException")
    await letters(sqs, executions).bury(entry())

    assert len(sqs.dead_letters) == 1


async def test_a_record_without_execution_is_kept_only(sqs: RecordingSqs, executions: Executions) -> None:
    """There is nothing to fail."""
    await letters(sqs, executions).bury(entry(""))

    assert len(sqs.dead_letters) == 1
    assert executions.rejected == []


async def test_an_execution_that_has_ended_is_left_alone(sqs: RecordingSqs, executions: Executions) -> None:
    """Burying the same record again is harmless."""
    executions.refuse = True
    await letters(sqs, executions).bury(entry())

    assert len(sqs.dead_letters) == 1


async def test_without_a_dead_letter_queue_the_execution_still_tells(sqs: RecordingSqs, executions: Executions) -> None:
    """A queue that is missing is an alarm and stops no shard."""
    await letters(sqs, executions, None).bury(entry())

    assert sqs.dead_letters == []
    assert len(executions.rejected) == 1


class Ssm:
    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def get_parameter(self, **_: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Parameter": {"Value": answer}}


async def test_the_queue_is_looked_up_until_it_is_there_and_then_kept() -> None:
    """A missing parameter is not remembered, another failure is not a missing one."""
    ssm: Any = Ssm(
        client_error("GetParameter", "ParameterNotFound"), client_error("GetParameter", "ThrottlingException"), "url"
    )
    queue_url = dead_letter_queue_from_ssm(ssm, "/mfh/dev/router/dlq-url")

    assert await queue_url() is None
    with pytest.raises(Exception, match="ThrottlingException"):
        await queue_url()
    assert [await queue_url(), await queue_url()] == ["url", "url"]
