"""Order per group, batches per queue, progress: pure."""

from __future__ import annotations

import pytest

from router.outbox import DEAD_LETTERS, MAX_BYTES, Entry, Outbox

TAG, COPY = "https://sqs/tag-it", "https://sqs/copy-it"


def entry(number: int, group: str = "g", queue: str = TAG, body: str = "{}") -> Entry:
    return Entry(str(number), queue, group, {"record": number}, body=body)


def numbers(batch: list[Entry] | None) -> list[str]:
    return [entry.sequence_number for entry in batch or []]


@pytest.fixture
def outbox() -> Outbox:
    return Outbox("TRIM_HORIZON")


def test_a_group_is_once_in_a_batch_and_waits_until_it_is_settled(outbox: Outbox) -> None:
    """So a partial failure cannot put its second message before its first."""
    one, two, other = entry(1), entry(2), entry(3, "h")
    outbox.add_page([one, two, other], "3")

    assert numbers(outbox.next_batch(0)) == ["1", "3"]
    assert outbox.next_batch(0) is None
    outbox.sent(one)
    assert numbers(outbox.next_batch(0)) == ["2"]


def test_a_failed_entry_comes_again_before_anything_else_of_its_group(outbox: Outbox) -> None:
    """At the time of its retry and not before; other groups go on."""
    one, two = entry(1), entry(2)
    outbox.add_page([one, two, entry(3, "h")], "3")
    outbox.next_batch(0)
    outbox.retry(one, at=5.0)

    assert outbox.next_batch(4.9) is None
    assert outbox.wake_at(4.9) == 5.0
    assert numbers(outbox.next_batch(5.0)) == ["1"]


def test_a_batch_holds_ten_entries_of_one_queue(outbox: Outbox) -> None:
    """Queues take turns."""
    outbox.add_page([entry(number, f"g{number}") for number in range(12)] + [entry(99, "h", COPY)], "99")

    sizes = [(batch[0].queue_url, len(batch)) for batch in iter(lambda: outbox.next_batch(0), None)]

    assert sizes == [(TAG, 10), (COPY, 1), (TAG, 2)]


def test_a_batch_stays_under_the_byte_limit(outbox: Outbox) -> None:
    """A body that fills a message alone goes alone."""
    half = "x" * (MAX_BYTES // 2 + 1)
    outbox.add_page([entry(number, f"g{number}", body=half) for number in range(3)], "2")

    assert [len(batch) for batch in iter(lambda: outbox.next_batch(0), None)] == [1, 1, 1]


def test_a_page_mark_moves_when_the_whole_page_was_sent(outbox: Outbox) -> None:
    """Pages settle in any order and are marked in theirs; the low water follows record by record."""
    one, two, three = entry(1, "a"), entry(2, "b"), entry(3, "c")
    outbox.add_page([one, two], "20")
    outbox.add_page([three], "30")
    outbox.next_batch(0)
    outbox.sent(three)
    outbox.sent(two)
    assert (outbox.page_mark, outbox.low_water, outbox.pages) == ("TRIM_HORIZON", "TRIM_HORIZON", 2)

    outbox.sent(one)
    assert (outbox.page_mark, outbox.low_water, outbox.pages, outbox.waiting) == ("30", "30", 0, 0)


def test_the_low_water_stands_before_the_first_record_that_is_not_sent(outbox: Outbox) -> None:
    """Where a successor has to start when a hand-over could not wait for the rest."""
    one, two, three = entry(1, "a"), entry(2, "b"), entry(3, "c")
    outbox.add_page([one, two, three], "3")
    outbox.next_batch(0)
    outbox.sent(one)
    outbox.sent(three)

    assert outbox.low_water == "1"
    assert outbox.waiting == 1


def test_a_page_without_anything_to_send_is_progress(outbox: Outbox) -> None:
    """Our own result writes must not be read again after a restart."""
    outbox.add_page([], "7")

    assert (outbox.page_mark, outbox.pages) == ("7", 0)


def test_a_record_without_a_number_leaves_the_low_water_alone(outbox: Outbox) -> None:
    """A malformed one; the end of its page counts."""
    nameless = Entry("", DEAD_LETTERS, "", {})
    outbox.add_page([nameless, entry(5)], "6")
    outbox.sent(outbox.next_batch(0)[0])  # type: ignore[index]

    assert outbox.low_water in {"TRIM_HORIZON", "5"}


def test_a_diverted_entry_goes_to_the_dead_letters_and_its_group_goes_on(outbox: Outbox) -> None:
    """One message that a queue never takes does not block its contact."""
    one, two = entry(1), entry(2)
    outbox.add_page([one, two], "2")
    outbox.next_batch(0)
    outbox.divert(one, "refused")

    batches = {batch[0].queue_url: batch for batch in iter(lambda: outbox.next_batch(0), None)}
    assert numbers(batches[TAG]) == ["2"]
    assert [(entry.sequence_number, entry.reason) for entry in batches[DEAD_LETTERS]] == [("1", "refused")]
    outbox.sent(one)
    outbox.sent(two)
    assert outbox.page_mark == "2"


def test_a_diverted_entry_with_nothing_behind_it_leaves_no_group(outbox: Outbox) -> None:
    """The group may come again later."""
    one = entry(1)
    outbox.add_page([one], "1")
    outbox.next_batch(0)
    outbox.divert(one, "refused")
    outbox.add_page([entry(2)], "2")

    assert {batch[0].queue_url for batch in iter(lambda: outbox.next_batch(0), None)} == {TAG, DEAD_LETTERS}


def test_a_paused_queue_rests_and_others_do_not(outbox: Outbox) -> None:
    """Throttled calls are not hammered."""
    outbox.add_page([entry(1, "a"), entry(2, "b", COPY)], "2")
    outbox.pause(TAG, until=3.0)

    assert numbers(outbox.next_batch(0)) == ["2"]
    assert outbox.next_batch(0) is None
    assert outbox.wake_at(0) == 3.0
    assert numbers(outbox.next_batch(3.0)) == ["1"]


def test_an_entry_marked_alone_is_sent_alone(outbox: Outbox) -> None:
    """To find out which of a refused batch is at fault."""
    entries = [entry(number, f"g{number}") for number in range(3)]
    outbox.add_page(entries, "2")
    outbox.next_batch(0)
    for each in entries:
        outbox.retry(each, at=1.0, alone=True)

    assert [len(batch) for batch in iter(lambda: outbox.next_batch(1.0), None)] == [1, 1, 1]


def test_nothing_waits_in_an_empty_outbox(outbox: Outbox) -> None:
    """Only an event can bring something."""
    assert outbox.next_batch(0) is None
    assert outbox.wake_at(0) is None
