"""The table and its stream: writes make records, the script moves the shards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fleet.marshalling import item as marshal
from fleet.testing.streams.client import ScriptedStreamsClient
from fleet.testing.streams.faults import Faults
from fleet.testing.streams.shard import HASHES, ScriptedShard
from fleet.testing.virtual_time import EPOCH

_ARN = "arn:aws:dynamodb:us-west-2:000000000000:table/{table}/stream/{label}"


@dataclass(eq=False, slots=True)
class ScriptedStream:
    """One stream of the table: a table that is re-enabled gets another."""

    arn: str
    shards: dict[str, ScriptedShard] = field(default_factory=dict)
    enabled: bool = True
    forgotten: bool = False


class ScriptedTable:
    """A table with partition key ``execution_id`` and a NEW_IMAGE stream, on the time of the running loop.

    Every partition's records go to the open shard that covers it; the partition is the key unless a write names
    another, so that a test can keep a group on one lineage.
    """

    def __init__(self, name: str = "executions", *, key: str = "execution_id", shards: int = 1) -> None:
        self.name = name
        self.faults = Faults()
        self.items: dict[str, dict[str, Any]] = {}
        self.streams: dict[str, ScriptedStream] = {}
        self._key = key
        self._partitions: dict[str, str] = {}
        self._numbers = 0
        self._shard_numbers = 0
        self._current: ScriptedStream | None = None
        self.enable(shards=shards)

    # the stream -----------------------------------------------------------------------------------------
    @property
    def stream_arn(self) -> str | None:
        """The current stream; None while it is disabled."""
        return self._current.arn if self._current else None

    def client(self, reader: str = "reader") -> ScriptedStreamsClient:
        """A client; its name is who reads, for the limit of two readers a shard."""
        return ScriptedStreamsClient(self, reader)

    def enable(self, *, shards: int = 1) -> str:
        """Start a new stream with so many open shards; returns its ARN."""
        label = (EPOCH + timedelta(seconds=len(self.streams))).strftime("%Y-%m-%dT%H:%M:%S.000")
        stream = ScriptedStream(_ARN.format(table=self.name, label=label))
        self.streams[stream.arn] = self._current = stream
        step = HASHES // shards
        for number in range(shards):
            high = HASHES if number == shards - 1 else (number + 1) * step
            self._add_shard(stream, number * step, high, None, 0.0)
        return stream.arn

    def disable(self) -> None:
        """Close every shard without children. The stream stays readable, and lists what it was late with."""
        if self._current is not None:
            for shard in self._current.shards.values():
                shard.closed = True
                shard.listed_at = min(shard.listed_at, _now())
            self._current.enabled = False
            self._current = None

    def forget(self, arn: str) -> None:
        """24 h later: the disabled stream is not there any more."""
        self.streams[arn].forgotten = True

    # shards ---------------------------------------------------------------------------------------------
    def open_shards(self) -> list[str]:
        """Ids of the shards that are written to."""
        return [shard.shard_id for shard in self._shards() if not shard.closed]

    def shard(self, shard_id: str) -> ScriptedShard:
        """A shard of any stream of the table."""
        for stream in self.streams.values():
            if shard_id in stream.shards:
                return stream.shards[shard_id]
        raise KeyError(shard_id)

    def split(self, shard_id: str | None = None, *, listed_after: float = 0.0, looks_open: float = 0.0) -> list[str]:
        """Close a shard; two children take half of its range each. Returns their ids.

        ``listed_after``: seconds until DescribeStream shows the children; ``looks_open``: seconds for which the
        closed shard shows no ending number yet.
        """
        shard = self._to_close(shard_id, looks_open)
        middle = (shard.low + shard.high) // 2
        return [
            self._add_shard(self._stream(), low, high, shard, listed_after)
            for low, high in ((shard.low, middle), (middle, shard.high))
        ]

    def roll(self, shard_id: str | None = None, *, listed_after: float = 0.0, looks_open: float = 0.0) -> str:
        """Close a shard; one child goes on, as every four hours."""
        shard = self._to_close(shard_id, looks_open)
        return self._add_shard(self._stream(), shard.low, shard.high, shard, listed_after)

    def trim(self, shard_id: str, records: int | None = None) -> None:
        """Drop the oldest ``records`` of the shard, or all of them."""
        shard = self.shard(shard_id)
        shard.trimmed = len(shard.records) if records is None else min(len(shard.records), shard.trimmed + records)

    def _to_close(self, shard_id: str | None, looks_open: float) -> ScriptedShard:
        shard = self.shard(shard_id or self.open_shards()[0])
        if shard.closed:
            raise ValueError(f"{shard.shard_id} is closed already")
        shard.closed = True
        shard.looks_open_until = _now() + looks_open
        return shard

    def _add_shard(
        self, stream: ScriptedStream, low: int, high: int, parent: ScriptedShard | None, listed_after: float
    ) -> str:
        self._shard_numbers += 1
        shard_id = f"shardId-{self._shard_numbers:020d}-{self._shard_numbers:08x}"
        # Never before its parent: the service lists in the order of creation.
        listed_at = max(_now() + listed_after if listed_after else 0.0, parent.listed_at if parent else 0.0)
        stream.shards[shard_id] = ScriptedShard(shard_id, low, high, parent, listed_at)
        return shard_id

    def _stream(self) -> ScriptedStream:
        if self._current is None:
            raise ValueError("the stream is disabled")
        return self._current

    def _shards(self) -> list[ScriptedShard]:
        return list(self._stream().shards.values()) if self._current else []

    # writes ---------------------------------------------------------------------------------------------
    def put(self, item: Mapping[str, Any], *, partition: str | None = None) -> str | None:
        """Write an item; returns the sequence number of its record, None where nothing changed or no stream is on."""
        key = str(item[self._key])
        old = self.items.get(key)
        self.items[key] = dict(item)
        self._partitions[key] = partition or self._partitions.get(key, key)
        if old == self.items[key]:
            return None
        return self._record("INSERT" if old is None else "MODIFY", key)

    def update(self, key: str, **changes: Any) -> str | None:
        """Change attributes of an item; None removes one."""
        changed = {**self.items[key], **changes}
        return self.put({name: value for name, value in changed.items() if value is not None})

    def delete(self, key: str) -> str | None:
        """Delete an item: a REMOVE record without an image."""
        return self._record("REMOVE", key) if self.items.pop(key, None) is not None else None

    def put_record(self, record: Mapping[str, Any], *, partition: str = "") -> str | None:
        """Put a record into the stream as it is (a malformed one), with a sequence number where it has a place."""
        return self._append(dict(record), partition)

    def _record(self, event: str, key: str) -> str | None:
        change: dict[str, Any] = {"Keys": marshal({self._key: key}), "StreamViewType": "NEW_IMAGE"}
        if event != "REMOVE":
            change["NewImage"] = marshal(self.items[key])
        change["SizeBytes"] = len(str(change))
        record = {"eventID": f"event-{self._numbers}", "eventName": event, "eventVersion": "1.1"}
        record |= {"eventSource": "aws:dynamodb", "awsRegion": "us-west-2"}
        return self._append({**record, "dynamodb": change}, self._partitions[key])

    def _append(self, record: dict[str, Any], partition: str) -> str | None:
        shard = next((shard for shard in self._shards() if not shard.closed and shard.covers(partition)), None)
        if shard is None:
            return None
        self._numbers += 1
        number = str(10**20 + self._numbers)
        if isinstance(record.get("dynamodb"), dict):
            record["dynamodb"] = {
                **record["dynamodb"],
                "SequenceNumber": number,
                # The service's resolution is one second.
                "ApproximateCreationDateTime": (EPOCH + timedelta(seconds=int(_now()))),
            }
        shard.records.append(record)
        return number


def _now() -> float:
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:  # scripted before the loop runs
        return 0.0
