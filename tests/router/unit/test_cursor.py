"""Positions, iterators and the pace of reading: pure."""

from __future__ import annotations

from typing import Any

import pytest

from router.cursor import RESEEK_AFTER_FAILURES, Cursor
from router.pacing import Pacing


def page(*numbers: str, following: str | None = "next") -> dict[str, Any]:
    return {"Records": [{"dynamodb": {"SequenceNumber": number}} for number in numbers], "NextShardIterator": following}


@pytest.fixture
def cursor() -> Cursor:
    return Cursor("arn", "shard", "TRIM_HORIZON")


def test_a_first_start_reads_from_the_horizon(cursor: Cursor) -> None:
    """Never from LATEST, which can skip records around a restart."""
    assert cursor.iterator_request()["ShardIteratorType"] == "TRIM_HORIZON"


def test_a_new_iterator_starts_after_the_last_record(cursor: Cursor) -> None:
    """After expiry and after a restart alike."""
    cursor.on_page(page("1", "2"))
    cursor.reseek()

    request = cursor.iterator_request()
    assert (request["ShardIteratorType"], request["SequenceNumber"]) == ("AFTER_SEQUENCE_NUMBER", "2")
    assert cursor.iterator is None


def test_an_empty_page_is_not_the_end(cursor: Cursor) -> None:
    """Only a missing next iterator is."""
    cursor.on_page(page())
    assert not cursor.ended
    assert cursor.iterator == "next"

    cursor.on_page(page("1", following=None))
    assert cursor.ended


def test_a_malformed_last_record_does_not_lose_the_position(cursor: Cursor) -> None:
    """The last record with a number counts."""
    answer = page("1", "2")
    answer["Records"].append({"eventName": "INSERT"})
    cursor.on_page(answer)

    assert cursor.position == "2"


def test_repeated_failures_ask_for_a_new_iterator(cursor: Cursor) -> None:
    """The iterator itself may be what the service stumbles over; success starts the count again."""
    cursor.on_page(page("1"))
    for _ in range(RESEEK_AFTER_FAILURES - 1):
        cursor.on_failure()
    assert cursor.iterator == "next"
    cursor.on_failure()
    assert cursor.iterator is None

    cursor.on_page(page("2"))
    assert cursor.failures == 0


def test_skipping_trimmed_data_goes_on_at_the_horizon(cursor: Cursor) -> None:
    """With the oldest record that is left."""
    cursor.on_page(page("1"))
    cursor.to_horizon()

    assert cursor.iterator_request()["ShardIteratorType"] == "TRIM_HORIZON"


@pytest.fixture
def pacing() -> Pacing:
    return Pacing(active_seconds=0.1, idle_seconds=0.25, page_records=1000)


def test_an_idle_shard_is_read_at_most_four_times_a_second(pacing: Pacing) -> None:
    """The wait doubles from page to page up to there."""
    assert [pacing.after_page(0, 0.0) for _ in range(4)] == [0.2, 0.25, 0.25, 0.25]


def test_full_pages_are_followed_at_once(pacing: Pacing) -> None:
    """And so is any page while the shard is behind."""
    assert pacing.after_page(1000, 0.0) == 0.0
    assert pacing.after_page(3, 60.0) == 0.0


def test_a_page_with_some_records_shortens_the_wait(pacing: Pacing) -> None:
    """More are likely to follow soon."""
    for _ in range(5):
        pacing.after_page(0, 0.0)
    assert pacing.after_page(5, 0.5) == 0.1
