"""Shards and streams are listed to the last page; services that know no ShardFilter are listed in full."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from fleet.testing.streams import ScriptedTable
from fleet.testing.streams.faults import client_error
from router.listing import list_children, list_shards, list_streams
from router.shards import Shard


@pytest.fixture
async def table() -> ScriptedTable:
    return ScriptedTable()


async def test_a_listing_follows_every_page(table: ScriptedTable) -> None:
    """DescribeStream answers 100 shards at a time."""
    for _ in range(250):
        table.roll()
    client = table.client()
    listing = await list_shards(client, table.stream_arn or "")

    assert len(listing.graph) == 251
    assert client.calls["describe_stream"] == 3
    assert not listing.disabled
    assert len(listing.lease_keys()) == 251


async def test_every_stream_of_the_table_is_listed_oldest_first(table: ScriptedTable) -> None:
    """More than one page of them."""
    for _ in range(120):
        table.disable()
        table.enable()

    assert await list_streams(table.client(), table.name) == list(table.streams)


class WithoutFilter:
    """A service that refuses or ignores ShardFilter."""

    def __init__(self, table: ScriptedTable, refusal: Exception | None) -> None:
        self._client = table.client()
        self._refusal = refusal

    async def describe_stream(self, **request: Any) -> Any:
        if request.pop("ShardFilter", None) and self._refusal is not None:
            raise self._refusal
        return await self._client.describe_stream(**request)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(ParamValidationError(report="Unknown parameter"), id="an old SDK"),
        pytest.param(client_error("DescribeStream", "ValidationException"), id="a service that refuses it"),
        pytest.param(None, id="an emulator that ignores it"),
    ],
)
async def test_children_are_found_without_the_filter(table: ScriptedTable, refusal: Exception | None) -> None:
    """And nothing but children."""
    parent = table.open_shards()[0]
    left, right = table.split()
    table.roll(left)
    streams: Any = WithoutFilter(table, refusal)

    assert await list_children(streams, table.stream_arn or "", parent) == ((left, right), False)


async def test_another_refusal_is_not_taken_for_a_missing_filter(table: ScriptedTable) -> None:
    """It is the caller's to retry."""
    streams: Any = WithoutFilter(table, client_error("DescribeStream", "InternalServerError"))
    with pytest.raises(ClientError):
        await list_children(streams, table.stream_arn or "", table.open_shards()[0])


async def test_a_disabled_stream_has_no_children_to_wait_for(table: ScriptedTable) -> None:
    """The answer says so."""
    arn, shard = table.stream_arn or "", table.open_shards()[0]
    table.disable()

    assert await list_children(table.client(), arn, shard) == ((), True)
    assert (await list_shards(table.client(), arn)).graph.parent(shard) is None
    assert list((await list_shards(table.client(), arn)).graph.in_lineage_order()) == [Shard(shard)]
