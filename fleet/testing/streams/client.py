"""The calls of DynamoDB Streams on a scripted table: aiobotocore's names, arguments, answers and errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fleet.testing.streams.faults import client_error
from fleet.testing.streams.shard import ScriptedShard

if TYPE_CHECKING:
    from fleet.testing.streams.table import ScriptedStream, ScriptedTable

ITERATOR_SECONDS = 15 * 60
MAX_READERS = 2
# Whoever read within this time counts as a reader of the shard.
READER_SECONDS = 1.0
MAX_RECORDS = 1000
MAX_SHARDS = 100
MAX_STREAMS = 100


class ScriptedStreamsClient:
    """One reader. ``calls`` counts by operation."""

    def __init__(self, table: ScriptedTable, reader: str) -> None:
        self._table = table
        self._reader = reader
        self.calls: dict[str, int] = {}

    async def list_streams(self, **request: Any) -> dict[str, Any]:
        """ListStreams of one table, disabled streams included while they are readable; paged by ``Limit`` (100)."""
        await self._begin("list_streams")
        streams = [stream for stream in self._table.streams.values() if not stream.forgotten]
        if request.get("TableName", self._table.name) != self._table.name:
            streams = []
        start = request.get("ExclusiveStartStreamArn", "")
        streams = sorted((stream for stream in streams if stream.arn > start), key=lambda stream: stream.arn)
        limit = min(MAX_STREAMS, request.get("Limit", MAX_STREAMS))
        answer: dict[str, Any] = {
            "Streams": [
                {"StreamArn": stream.arn, "StreamLabel": stream.arn.rsplit("/", 1)[-1], "TableName": self._table.name}
                for stream in streams[:limit]
            ]
        }
        if len(streams) > limit:
            answer["LastEvaluatedStreamArn"] = streams[limit - 1].arn
        return answer

    async def describe_stream(self, **request: Any) -> dict[str, Any]:
        """DescribeStream: paged by ``Limit`` (100), ``ShardFilter`` CHILD_SHARDS."""
        await self._begin("describe_stream")
        stream = self._stream("describe_stream", request["StreamArn"])
        now = _now()
        listed = [shard for shard in stream.shards.values() if shard.listed_at <= now and not shard.gone]
        children_of = request.get("ShardFilter")
        if children_of:
            listed = [shard for shard in listed if shard.parent and shard.parent.shard_id == children_of["ShardId"]]
        listed.sort(key=lambda shard: shard.shard_id)
        start = request.get("ExclusiveStartShardId", "")
        listed = [shard for shard in listed if shard.shard_id > start]
        limit = min(MAX_SHARDS, request.get("Limit", MAX_SHARDS))
        description: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.arn.rsplit("/", 1)[-1],
            "StreamStatus": "ENABLED" if stream.enabled else "DISABLED",
            "StreamViewType": "NEW_IMAGE",
            "TableName": self._table.name,
            "Shards": [shard.description(now) for shard in listed[:limit]],
        }
        if len(listed) > limit:
            description["LastEvaluatedShardId"] = listed[limit - 1].shard_id
        return {"StreamDescription": description}

    async def get_shard_iterator(self, **request: Any) -> dict[str, Any]:
        """GetShardIterator: TRIM_HORIZON, LATEST, AT_ and AFTER_SEQUENCE_NUMBER."""
        operation = "get_shard_iterator"
        await self._begin(operation)
        stream = self._stream(operation, request["StreamArn"])
        shard = self._shard(operation, stream, request["ShardId"])
        match request["ShardIteratorType"]:
            case "TRIM_HORIZON":
                index = shard.trimmed
            case "LATEST":
                index = len(shard.records)
            case "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER" as kind:
                found = shard.index_of(request["SequenceNumber"])
                if found is None or found < shard.trimmed:
                    raise client_error(operation, "TrimmedDataAccessException", "The record was trimmed.")
                index = found + (kind == "AFTER_SEQUENCE_NUMBER")
            case kind:
                raise client_error(operation, "ValidationException", f"{kind} is no iterator type.")
        return {"ShardIterator": self._iterator(stream, shard, index)}

    async def get_records(self, **request: Any) -> dict[str, Any]:
        """GetRecords: up to ``Limit`` records; no next iterator at the end of a closed shard."""
        operation = "get_records"
        await self._begin(operation)
        stream, shard, index = self._parse(operation, request["ShardIterator"])
        self._count_reader(operation, shard)
        limit = request.get("Limit", MAX_RECORDS)
        if not 1 <= limit <= MAX_RECORDS:
            raise client_error(operation, "ValidationException", "Limit is 1 to 1000.")
        if index < shard.trimmed:
            raise client_error(operation, "TrimmedDataAccessException", "The records were trimmed.")
        faults = self._table.faults
        if faults.take_empty():
            return {"Records": [], "NextShardIterator": self._iterator(stream, shard, index)}
        records = shard.records[index : index + limit]
        after = index + len(records)
        if records and faults.take_repeat():
            after = index
        answer: dict[str, Any] = {"Records": records}
        if not (shard.closed and after == len(shard.records)):
            answer["NextShardIterator"] = self._iterator(stream, shard, after)
        return answer

    # ----------------------------------------------------------------------------------------------------
    async def _begin(self, operation: str) -> None:
        self.calls[operation] = self.calls.get(operation, 0) + 1
        await asyncio.sleep(self._table.faults.latency_seconds)
        self._table.faults.check(operation)

    def _stream(self, operation: str, arn: str) -> ScriptedStream:
        stream = self._table.streams.get(arn)
        if stream is None or stream.forgotten:
            raise client_error(operation, "ResourceNotFoundException", "Requested resource not found: Stream")
        return stream

    @staticmethod
    def _shard(operation: str, stream: ScriptedStream, shard_id: str) -> ScriptedShard:
        shard = stream.shards.get(shard_id)
        if shard is None or shard.gone:
            raise client_error(operation, "ResourceNotFoundException", "Requested resource not found: Shard")
        return shard

    def _iterator(self, stream: ScriptedStream, shard: ScriptedShard, index: int) -> str:
        return f"{stream.arn}|{shard.shard_id}|{index}|{_now()}|{self._table.faults.iterator_epoch}"

    def _parse(self, operation: str, iterator: str) -> tuple[ScriptedStream, ScriptedShard, int]:
        try:
            arn, shard_id, index, issued_at, epoch = iterator.split("|")
            expired = _now() - float(issued_at) > ITERATOR_SECONDS or int(epoch) < self._table.faults.iterator_epoch
            position = int(index)
        except ValueError:
            raise client_error(operation, "ValidationException", "Invalid ShardIterator.") from None
        stream = self._stream(operation, arn)
        shard = self._shard(operation, stream, shard_id)
        if expired:
            raise client_error(operation, "ExpiredIteratorException", "The iterator is expired.")
        return stream, shard, position

    def _count_reader(self, operation: str, shard: ScriptedShard) -> None:
        now = _now()
        recent = {reader for reader, at in shard.readers.items() if now - at < READER_SECONDS}
        if self._reader not in recent and len(recent) >= MAX_READERS:
            raise client_error(operation, "LimitExceededException", "More than two readers of one shard.")
        shard.readers[self._reader] = now


def _now() -> float:
    return asyncio.get_running_loop().time()
