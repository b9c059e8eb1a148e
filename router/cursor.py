"""Where a reader stands in its shard, and what it asks for next: no calls, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.leases import TRIM_HORIZON

# An iterator that fails for so many calls in a row may itself be what the service stumbles over.
RESEEK_AFTER_FAILURES = 3


class Cursor:
    """A position and, while it is usable, an iterator. An empty page moves the iterator and not the position."""

    def __init__(self, stream_arn: str, shard_id: str, checkpoint: str) -> None:
        self._stream_arn = stream_arn
        self._shard_id = shard_id
        self.position = checkpoint
        self.iterator: str | None = None
        self.ended = False
        self.failures = 0

    def iterator_request(self) -> dict[str, str]:
        """The GetShardIterator request for the current position.

        TRIM_HORIZON until a record was read, never LATEST: that can skip records around a restart.
        """
        request = {"StreamArn": self._stream_arn, "ShardId": self._shard_id}
        if self.position == TRIM_HORIZON:
            return {**request, "ShardIteratorType": TRIM_HORIZON}
        return {**request, "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self.position}

    def on_page(self, page: Mapping[str, Any]) -> None:
        """Move past a GetRecords answer. No next iterator means the end of the shard, not a wait."""
        self.failures = 0
        records = page["Records"]
        # A malformed record may lack its number; the last that has one is where the next iterator starts.
        for record in reversed(records):
            sequence_number = record.get("dynamodb", {}).get("SequenceNumber")
            if sequence_number:
                self.position = sequence_number
                break
        self.iterator = page.get("NextShardIterator") or None
        self.ended = self.iterator is None

    def on_failure(self) -> int:
        """Count a failed call; returns how many failed in a row."""
        self.failures += 1
        if self.failures >= RESEEK_AFTER_FAILURES:
            self.iterator = None
        return self.failures

    def reseek(self) -> None:
        """Ask for a new iterator at the position."""
        self.failures += 1
        self.iterator = None

    def to_horizon(self) -> None:
        """Go on with the oldest record that is still there."""
        self.position = TRIM_HORIZON
        self.reseek()
