"""Messages of one shard that wait to be sent: order per group, batches per queue, progress. Pure; no calls.

A group is in at most one batch at a time and once in it, so no partial failure, retry or lost answer can put its
second message before its first. Different groups and different queues never wait for each other.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_ENTRIES = 10
# SQS counts the bodies of a batch together (facts: 1 MiB for a message and for a batch).
MAX_BYTES = 1_048_576
# The lane of records that go to the router's dead-letter queue.
DEAD_LETTERS = ""


@dataclass(slots=True, eq=False)
class Entry:
    """One record on its way. ``queue_url`` DEAD_LETTERS: ``reason`` says why it cannot be routed."""

    sequence_number: str
    queue_url: str
    group_id: str
    record: Any
    execution_id: str = ""
    helper_type: str = ""
    deduplication_id: str = ""
    body: str = ""
    reason: str = ""
    attempts: int = 0
    alone: bool = False
    done: bool = False


@dataclass(slots=True)
class _PageEnd:
    sequence_number: str


@dataclass(slots=True)
class _Lane:
    queue_url: str
    groups: dict[str, deque[Entry]] = field(default_factory=dict)
    ready: deque[str] = field(default_factory=deque)
    paused_until: float = 0.0


class Outbox:
    """What is read and not yet sent."""

    def __init__(self, position: str) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._turn: deque[_Lane] = deque()
        self._retries: list[tuple[float, int, str, str]] = []
        self._retry_count = 0
        self._order: deque[Entry | _PageEnd] = deque()
        self.pages = 0
        self.waiting = 0
        # Everything up to here was sent; `page_mark` moves at the ends of pages only.
        self.low_water = position
        self.page_mark = position

    # filling --------------------------------------------------------------------------------------------
    def add_page(self, entries: Iterable[Entry], last_sequence_number: str) -> None:
        """Take in the routable records of a page, in stream order; the others count as sent."""
        for entry in entries:
            self._order.append(entry)
            self.waiting += 1
            self._enqueue(entry)
        self._order.append(_PageEnd(last_sequence_number))
        self.pages += 1
        self._advance()

    def _enqueue(self, entry: Entry) -> None:
        lane = self._lanes.get(entry.queue_url)
        if lane is None:
            lane = self._lanes[entry.queue_url] = _Lane(entry.queue_url)
            self._turn.append(lane)
        group = lane.groups.get(entry.group_id)
        if group is None:
            lane.groups[entry.group_id] = deque((entry,))
            lane.ready.append(entry.group_id)
        else:
            group.append(entry)

    # sending --------------------------------------------------------------------------------------------
    def next_batch(self, now: float) -> list[Entry] | None:
        """The next entries to send in one call, queues in turn; their groups are taken until settled."""
        while self._retries and self._retries[0][0] <= now:
            _, _, queue_url, group_id = heapq.heappop(self._retries)
            # In front: a group that waited for a retry is older than those behind it.
            self._lanes[queue_url].ready.appendleft(group_id)
        for _ in range(len(self._turn)):
            lane = self._turn[0]
            self._turn.rotate(-1)
            if lane.ready and lane.paused_until <= now:
                return self._fill(lane)
        return None

    def _fill(self, lane: _Lane) -> list[Entry]:
        batch: list[Entry] = []
        size = 0
        while lane.ready and len(batch) < MAX_ENTRIES:
            entry = lane.groups[lane.ready[0]][0]
            # Bodies are ASCII: characters are bytes.
            if batch and (entry.alone or size + len(entry.body) > MAX_BYTES):
                break
            lane.ready.popleft()
            batch.append(entry)
            size += len(entry.body)
            if entry.alone:
                break
        return batch

    def wake_at(self, now: float) -> float | None:
        """When something that waits now may be sent; None when only an event can bring that."""
        times = [lane.paused_until for lane in self._turn if lane.ready and lane.paused_until > now]
        if self._retries:
            times.append(self._retries[0][0])
        return min(times, default=None)

    # settling -------------------------------------------------------------------------------------------
    def sent(self, entry: Entry) -> None:
        """The entry reached its queue: its group goes on."""
        entry.done = True
        self.waiting -= 1
        lane = self._lanes[entry.queue_url]
        group = lane.groups[entry.group_id]
        group.popleft()
        if group:
            lane.ready.append(entry.group_id)
        else:
            del lane.groups[entry.group_id]
        self._advance()

    def retry(self, entry: Entry, at: float, *, alone: bool = False) -> None:
        """The entry failed, or may have failed: its group waits until ``at`` and then sends the same entry again."""
        entry.alone = entry.alone or alone
        self._retry_count += 1
        heapq.heappush(self._retries, (at, self._retry_count, entry.queue_url, entry.group_id))

    def pause(self, queue_url: str, until: float) -> None:
        """The queue refuses whole calls: let it rest."""
        lane = self._lanes[queue_url]
        lane.paused_until = max(lane.paused_until, until)

    def divert(self, entry: Entry, reason: str) -> None:
        """The queue will never take it: to the dead letters; its group goes on."""
        lane = self._lanes[entry.queue_url]
        group = lane.groups[entry.group_id]
        group.popleft()
        if group:
            lane.ready.append(entry.group_id)
        else:
            del lane.groups[entry.group_id]
        entry.queue_url, entry.group_id, entry.reason = DEAD_LETTERS, entry.sequence_number, reason
        entry.attempts, entry.alone = 0, False
        self._enqueue(entry)

    def _advance(self) -> None:
        order = self._order
        while order:
            first = order[0]
            if isinstance(first, _PageEnd):
                self.page_mark = first.sequence_number
                self.pages -= 1
            elif not first.done:
                return
            # A malformed record may have no number of its own; the end of its page has one.
            self.low_water = first.sequence_number or self.low_water
            order.popleft()
