"""The scripted stream: splits, late listings, trims, expiry, throttles, repeated pages, reader limit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from fleet.testing.streams import ScriptedStreamsClient, ScriptedTable
from fleet.testing.streams.faults import CONNECTION_RESET


@pytest.fixture
async def table() -> ScriptedTable:
    """A table with one open shard."""
    return ScriptedTable()


async def describe(table: ScriptedTable, arn: str | None = None, **extra: Any) -> dict[str, Any]:
    answer = await table.client().describe_stream(StreamArn=arn or table.stream_arn, **extra)
    description: dict[str, Any] = answer["StreamDescription"]
    return description


async def listed(table: ScriptedTable, **extra: Any) -> list[str]:
    return [shard["ShardId"] for shard in (await describe(table, **extra))["Shards"]]


async def iterator(client: ScriptedStreamsClient, table: ScriptedTable, shard_id: str, **extra: str) -> str:
    answer = await client.get_shard_iterator(
        **{"StreamArn": table.stream_arn, "ShardId": shard_id, "ShardIteratorType": "TRIM_HORIZON", **extra}
    )
    return str(answer["ShardIterator"])


async def read_all(table: ScriptedTable, shard_id: str) -> list[str]:
    """Execution ids of a shard up to its present end."""
    client = table.client()
    page = await client.get_records(ShardIterator=await iterator(client, table, shard_id))
    return [record["dynamodb"]["Keys"]["execution_id"]["S"] for record in page["Records"]]


def put(table: ScriptedTable, *numbers: int, partition: str | None = None) -> None:
    for number in numbers:
        table.put({"execution_id": f"exec:{number}"}, partition=partition)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


async def test_a_split_closes_the_parent_and_divides_its_partitions(table: ScriptedTable) -> None:
    """Each record is in exactly one child, and a partition stays on its lineage."""
    parent = table.open_shards()[0]
    put(table, 1)
    left, right = table.split()
    put(table, *range(2, 22))

    children = [await read_all(table, left), await read_all(table, right)]

    assert await read_all(table, parent) == ["exec:1"]
    assert sorted(children[0] + children[1]) == sorted(f"exec:{number}" for number in range(2, 22))
    assert all(children)
    shards = {shard["ShardId"]: shard for shard in (await describe(table))["Shards"]}
    assert "EndingSequenceNumber" in shards[parent]["SequenceNumberRange"]
    assert shards[left]["ParentShardId"] == shards[right]["ParentShardId"] == parent


async def test_a_closed_shard_ends_with_a_page_without_next_iterator(table: ScriptedTable) -> None:
    """The last records and the end may come in one page."""
    parent = table.open_shards()[0]
    put(table, 1)
    table.roll()
    client = table.client()

    page = await client.get_records(ShardIterator=await iterator(client, table, parent))

    assert len(page["Records"]) == 1
    assert "NextShardIterator" not in page


async def test_children_are_listed_late_and_never_before_their_parent(table: ScriptedTable) -> None:
    """A grandchild waits for its parent even when its own listing is not late."""
    child = table.roll(listed_after=5.0)
    grandchild = table.roll(child)
    assert {child, grandchild}.isdisjoint(await listed(table))

    await asyncio.sleep(5.0)

    assert {child, grandchild} <= set(await listed(table))


async def test_a_closed_shard_may_look_open_for_a_while(table: ScriptedTable) -> None:
    """As the eventually consistent listing does it."""
    table.roll(looks_open=3.0)
    assert "EndingSequenceNumber" not in (await describe(table))["Shards"][0]["SequenceNumberRange"]

    await asyncio.sleep(3.0)

    assert "EndingSequenceNumber" in (await describe(table))["Shards"][0]["SequenceNumberRange"]


async def test_listings_come_in_pages(table: ScriptedTable) -> None:
    """With the last shard id as cursor."""
    for _ in range(4):
        table.roll()
    first = await describe(table, Limit=3)
    second = await describe(table, Limit=3, ExclusiveStartShardId=first["LastEvaluatedShardId"])

    assert (len(first["Shards"]), len(second["Shards"])) == (3, 2)
    assert "LastEvaluatedShardId" not in second


async def test_the_child_filter_lists_children_only(table: ScriptedTable) -> None:
    """Of one shard."""
    parent = table.open_shards()[0]
    children = table.split()
    table.roll(children[0])

    assert await listed(table, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": parent}) == children


async def test_trimmed_records_are_refused_and_the_horizon_moves(table: ScriptedTable) -> None:
    """By iterator, by sequence number, and for the position itself."""
    shard = table.open_shards()[0]
    put(table, 1, 2, 3)
    client = table.client()
    old = await iterator(client, table, shard)
    first = (await client.get_records(ShardIterator=old))["Records"][0]["dynamodb"]["SequenceNumber"]
    table.trim(shard, 2)

    with pytest.raises(ClientError) as by_iterator:
        await client.get_records(ShardIterator=old)
    with pytest.raises(ClientError) as by_number:
        await iterator(client, table, shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=first)

    assert code(by_iterator) == code(by_number) == "TrimmedDataAccessException"
    assert await read_all(table, shard) == ["exec:3"]


async def test_a_closed_shard_that_is_trimmed_to_the_end_is_gone(table: ScriptedTable) -> None:
    """Not listed, not found."""
    shard = table.open_shards()[0]
    put(table, 1)
    table.roll()
    table.trim(shard)

    assert shard not in await listed(table)
    with pytest.raises(ClientError) as error:
        await iterator(table.client(), table, shard)
    assert code(error) == "ResourceNotFoundException"


@pytest.mark.parametrize("by_age", [True, False])
async def test_iterators_expire(table: ScriptedTable, by_age: bool) -> None:
    """After 15 minutes, or when the script says so."""
    client = table.client()
    old = await iterator(client, table, table.open_shards()[0])
    if by_age:
        await asyncio.sleep(15 * 60 + 1)
    else:
        table.faults.expire_iterators()

    with pytest.raises(ClientError) as error:
        await client.get_records(ShardIterator=old)
    assert code(error) == "ExpiredIteratorException"


async def test_a_third_reader_of_a_shard_is_refused_until_one_stops(table: ScriptedTable) -> None:
    """Two readers a shard, as the service has it."""
    shard = table.open_shards()[0]
    one, two, three = (table.client(name) for name in ("one", "two", "three"))
    position = await iterator(one, table, shard)
    await one.get_records(ShardIterator=position)
    await two.get_records(ShardIterator=position)
    with pytest.raises(ClientError) as error:
        await three.get_records(ShardIterator=position)
    assert code(error) == "LimitExceededException"

    await asyncio.sleep(1.0)
    await two.get_records(ShardIterator=position)
    await three.get_records(ShardIterator=position)


async def test_scripted_errors_are_used_up(table: ScriptedTable) -> None:
    """A service error and a reset connection, then it works."""
    client = table.client()
    position = await iterator(client, table, table.open_shards()[0])
    table.faults.fail("get_records", "InternalServerError")
    table.faults.fail("get_records", CONNECTION_RESET)

    with pytest.raises(ClientError) as error:
        await client.get_records(ShardIterator=position)
    with pytest.raises(ConnectionClosedError):
        await client.get_records(ShardIterator=position)
    await client.get_records(ShardIterator=position)

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert client.calls["get_records"] == 3


async def test_a_repeated_page_is_delivered_twice_and_an_empty_one_hides_nothing(table: ScriptedTable) -> None:
    """Duplicates and empty pages are normal."""
    put(table, 1)
    client = table.client()
    table.faults.repeat_pages(1)
    table.faults.answer_empty(1)
    position = await iterator(client, table, table.open_shards()[0])
    counts = []
    for _ in range(4):
        page = await client.get_records(ShardIterator=position)
        counts.append(len(page["Records"]))
        position = page["NextShardIterator"]

    assert counts == [0, 1, 1, 0]


async def test_a_reenabled_stream_is_another_and_the_old_one_stays_listed_until_it_is_forgotten(
    table: ScriptedTable,
) -> None:
    """For 24 hours, on the service."""
    old = table.stream_arn or ""
    put(table, 1)
    table.disable()
    assert table.put({"execution_id": "exec:unseen"}) is None
    new = table.enable(shards=2)

    answer = await table.client().list_streams(TableName=table.name)
    assert [stream["StreamArn"] for stream in answer["Streams"]] == [old, new]
    assert (await describe(table, old))["StreamStatus"] == "DISABLED"
    assert len(table.open_shards()) == 2

    table.forget(old)
    with pytest.raises(ClientError) as error:
        await describe(table, old)
    assert code(error) == "ResourceNotFoundException"


async def test_what_is_closed_cannot_be_closed_again(table: ScriptedTable) -> None:
    """A script that says so is wrong."""
    shard = table.open_shards()[0]
    table.roll(shard)

    with pytest.raises(ValueError, match="closed already"):
        table.split(shard)
    with pytest.raises(KeyError):
        table.shard("shardId-unknown")
