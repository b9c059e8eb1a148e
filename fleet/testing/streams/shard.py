"""A shard: records in order, a range of partition hashes, and what of it is listed, open and still there."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

HASHES = 2**32


def partition_hash(partition: str) -> int:
    """Where a partition key falls."""
    return zlib.crc32(partition.encode())


@dataclass(eq=False, slots=True)
class ScriptedShard:
    """Times are seconds of the running loop."""

    shard_id: str
    low: int = 0
    high: int = HASHES
    parent: ScriptedShard | None = None
    listed_at: float = 0.0
    # The listing is eventually consistent: for a while a closed shard may look open.
    looks_open_until: float = 0.0
    records: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    readers: dict[str, float] = field(default_factory=dict)
    trimmed: int = 0  # so many records from the start are gone

    def covers(self, partition: str) -> bool:
        """Whether records of the partition are written here."""
        return self.low <= partition_hash(partition) < self.high

    @property
    def gone(self) -> bool:
        """Closed and trimmed to the last record: not listed any more."""
        return self.closed and bool(self.records) and self.trimmed == len(self.records)

    def index_of(self, sequence_number: str) -> int | None:
        """Position of a record that was written here, trimmed or not."""
        for index, record in enumerate(self.records):
            if record["dynamodb"]["SequenceNumber"] == sequence_number:
                return index
        return None

    def description(self, now: float) -> dict[str, Any]:
        """The entry of DescribeStream. A shard without records has no starting number, as on some emulators."""
        numbers: dict[str, str] = {}
        if self.records:
            numbers["StartingSequenceNumber"] = self.records[0]["dynamodb"]["SequenceNumber"]
        if self.closed and now >= self.looks_open_until:
            last = self.records[-1]["dynamodb"]["SequenceNumber"] if self.records else "0"
            numbers["EndingSequenceNumber"] = last
        entry: dict[str, Any] = {"ShardId": self.shard_id, "SequenceNumberRange": numbers}
        if self.parent is not None:
            entry["ParentShardId"] = self.parent.shard_id
        return entry
