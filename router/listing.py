"""Asking the stream for its shards: paging, children of one shard, status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from router.leases import lease_key
from router.shards import Shard, ShardGraph
from router.streams import StreamsClient

# A shard listing of this many pages would be 10,000 shards: more is an endless cursor of the service.
MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class StreamListing:
    """All shards of a stream at one moment."""

    stream_arn: str
    status: str
    graph: ShardGraph

    def lease_keys(self) -> list[str]:
        """Of all its shards."""
        return [lease_key(self.stream_arn, shard.shard_id) for shard in self.graph.in_lineage_order()]

    @property
    def disabled(self) -> bool:
        """Whether nothing is written to it any more: its open shards end without children."""
        return self.status in {"DISABLED", "DISABLING"}


async def list_streams(streams: StreamsClient, table: str) -> list[str]:
    """ARNs of every stream of the table that can be read, oldest first.

    A stream that was disabled stays readable for 24 h and is not the table's latest any more; a table that was
    re-enabled twice has one that only this call tells. Labels are instants: they sort.
    """
    arns: list[tuple[str, str]] = []
    request: dict[str, Any] = {"TableName": table}
    for _ in range(MAX_PAGES):
        answer = await streams.list_streams(**request)
        arns.extend((stream["StreamLabel"], stream["StreamArn"]) for stream in answer.get("Streams", ()))
        last = answer.get("LastEvaluatedStreamArn")
        if not last:
            break
        request["ExclusiveStartStreamArn"] = last
    return [arn for _, arn in sorted(arns)]


async def list_shards(streams: StreamsClient, stream_arn: str, **filters: Any) -> StreamListing:
    """List every page. Raises ClientError as the service does."""
    shards: list[Shard] = []
    status = ""
    request: dict[str, Any] = {"StreamArn": stream_arn, **filters}
    for _ in range(MAX_PAGES):
        description = (await streams.describe_stream(**request))["StreamDescription"]
        status = description.get("StreamStatus", "")
        shards.extend(map(Shard.from_description, description.get("Shards", ())))
        last = description.get("LastEvaluatedShardId")
        if not last:
            break
        request["ExclusiveStartShardId"] = last
    return StreamListing(stream_arn, status, ShardGraph(shards))


async def list_children(streams: StreamsClient, stream_arn: str, shard_id: str) -> tuple[tuple[str, ...], bool]:
    """Ids of the shard's children, and whether the stream is disabled (then there will be none).

    Asks with ShardFilter; a service that refuses the filter gets a full listing, one that ignores it (LocalStack)
    has listed everything, so the answer is filtered here in any case.
    """
    try:
        listing = await list_shards(streams, stream_arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": shard_id})
    except ParamValidationError:
        listing = await list_shards(streams, stream_arn)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in {"ValidationException", "UnknownParameter"}:
            raise
        listing = await list_shards(streams, stream_arn)
    return listing.graph.children(shard_id), listing.disabled
