"""One conformance suite for DynamoDB Streams: the scripted double and the emulator answer alike.

What no emulator does (splits, throttles, trims) is in tests/fleet/testing/test_streams.py.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet.aws import aws_clients
from fleet.marshalling import item
from fleet.settings import FleetSettings
from fleet.testing.streams import ScriptedTable


@dataclass
class Subject:
    """A table with a stream, real or scripted."""

    streams: Any
    name: str
    put: Callable[..., Awaitable[None]]
    delete: Callable[[str], Awaitable[None]]
    set_stream: Callable[[bool], Awaitable[None]]

    async def arns(self) -> list[str]:
        """Streams of the table, oldest first."""
        answer = await self.streams.list_streams(TableName=self.name)
        return [stream["StreamArn"] for stream in sorted(answer["Streams"], key=lambda stream: stream["StreamLabel"])]

    async def shard(self) -> tuple[str, str]:
        """ARN and shard id of the newest stream's only shard."""
        arn = (await self.arns())[-1]
        description = (await self.streams.describe_stream(StreamArn=arn))["StreamDescription"]
        return arn, description["Shards"][-1]["ShardId"]

    async def iterator(self, kind: str = "TRIM_HORIZON", **extra: str) -> str:
        """An iterator on that shard."""
        arn, shard_id = await self.shard()
        answer = await self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **extra)
        return str(answer["ShardIterator"])

    async def read(self, iterator: str, limit: int = 1000) -> tuple[list[Any], str | None]:
        """One page and the next iterator."""
        page = await self.streams.get_records(ShardIterator=iterator, Limit=limit)
        return page["Records"], page.get("NextShardIterator")


@pytest.fixture(params=["scripted", pytest.param("emulator", marks=pytest.mark.stack)])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """An empty table with an enabled stream."""
    if request.param == "scripted":
        yield scripted()
        return
    settings = FleetSettings(stage="conf", aws_endpoint_url=request.getfixturevalue("emulator_url"))
    async with aws_clients(settings) as aws:
        name = f"conformance-{uuid.uuid4().hex[:8]}"
        await aws.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "execution_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "execution_id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )

        async def put(execution_id: str, **values: Any) -> None:
            await aws.dynamodb.put_item(TableName=name, Item=item({"execution_id": execution_id, **values}))

        async def delete(execution_id: str) -> None:
            await aws.dynamodb.delete_item(TableName=name, Key=item({"execution_id": execution_id}))

        async def set_stream(enabled: bool) -> None:
            specification: Any = {"StreamEnabled": enabled}
            if enabled:
                specification["StreamViewType"] = "NEW_IMAGE"
            await aws.dynamodb.update_table(TableName=name, StreamSpecification=specification)

        yield Subject(aws.streams, name, put, delete, set_stream)


def scripted() -> Subject:
    """The double behind the same verbs."""
    table = ScriptedTable("conformance")

    async def put(execution_id: str, **values: Any) -> None:
        table.put({"execution_id": execution_id, **values})

    async def delete(execution_id: str) -> None:
        table.delete(execution_id)

    async def set_stream(enabled: bool) -> None:
        table.enable() if enabled else table.disable()

    return Subject(table.client(), "conformance", put, delete, set_stream)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The service's error code."""
    return error.value.response["Error"]["Code"]


def keys(records: list[Any]) -> list[str]:
    """The execution ids of records."""
    return [record["dynamodb"]["Keys"]["execution_id"]["S"] for record in records]


async def test_records_come_in_the_order_of_the_writes_and_say_what_happened(subject: Subject) -> None:
    """INSERT and MODIFY carry the new image, REMOVE has none, a write that changes nothing has no record."""
    await subject.put("exec:1", status="queued")
    await subject.put("exec:1", status="running")
    await subject.put("exec:1", status="running")
    await subject.delete("exec:1")

    records, _ = await subject.read(await subject.iterator())

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["NewImage"] == {"execution_id": {"S": "exec:1"}, "status": {"S": "running"}}
    assert "NewImage" not in records[2]["dynamodb"]
    assert len({record["dynamodb"]["SequenceNumber"] for record in records}) == 3
    assert all(record["dynamodb"]["ApproximateCreationDateTime"].tzinfo for record in records)


async def test_pages_follow_each_other_without_gap_or_repetition(subject: Subject) -> None:
    """Limit bounds a page; an idle shard answers an empty page with a next iterator."""
    for number in range(7):
        await subject.put(f"exec:{number}")
    iterator: str | None = await subject.iterator()
    seen: list[str] = []
    for _ in range(4):
        records, iterator = await subject.read(iterator or "", limit=3)
        assert len(records) <= 3
        seen += keys(records)

    assert seen == [f"exec:{number}" for number in range(7)]
    assert iterator is not None


async def test_an_iterator_can_be_used_twice(subject: Subject) -> None:
    """It is a position and no lock."""
    await subject.put("exec:1")
    iterator = await subject.iterator()

    assert keys((await subject.read(iterator))[0]) == keys((await subject.read(iterator))[0]) == ["exec:1"]


async def test_sequence_number_iterators_start_at_and_after_a_record(subject: Subject) -> None:
    """AT includes it, AFTER does not, LATEST sees only what comes."""
    for number in range(3):
        await subject.put(f"exec:{number}")
    number = (await subject.read(await subject.iterator()))[0][1]["dynamodb"]["SequenceNumber"]
    latest = await subject.iterator("LATEST")
    at = await subject.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=number)
    after = await subject.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=number)
    await subject.put("exec:3")

    assert keys((await subject.read(at))[0]) == ["exec:1", "exec:2", "exec:3"]
    assert keys((await subject.read(after))[0]) == ["exec:2", "exec:3"]
    assert keys((await subject.read(latest))[0]) == ["exec:3"]


@pytest.mark.embedded("LocalStack answers with an InternalError")
async def test_an_unknown_sequence_number_is_refused_as_trimmed(subject: Subject) -> None:
    """The service cannot tell it from one that was there."""
    await subject.put("exec:1")
    with pytest.raises(ClientError) as error:
        await subject.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber="1" * 21)

    assert code(error) == "TrimmedDataAccessException"


@pytest.mark.embedded("LocalStack answers with an InternalError")
async def test_a_garbage_iterator_is_refused(subject: Subject) -> None:
    """As a bad request and not as a crash."""
    with pytest.raises(ClientError) as error:
        await subject.read("garbage")

    assert code(error) == "ValidationException"


async def test_an_unknown_stream_is_not_found(subject: Subject) -> None:
    """DescribeStream and GetShardIterator agree."""
    arn = (await subject.arns())[-1].rsplit("/", 1)[0] + "/2020-01-01T00:00:00.000"
    with pytest.raises(ClientError) as described:
        await subject.streams.describe_stream(StreamArn=arn)
    with pytest.raises(ClientError) as iterated:
        await subject.streams.get_shard_iterator(
            StreamArn=arn, ShardId=f"shardId-{1:020d}-{1:08x}", ShardIteratorType="LATEST"
        )

    assert code(described) == code(iterated) == "ResourceNotFoundException"


async def test_an_unknown_shard_is_not_found(subject: Subject) -> None:
    """The stream is there, the shard is not."""
    arn = (await subject.arns())[-1]
    with pytest.raises(ClientError) as error:
        await subject.streams.get_shard_iterator(
            StreamArn=arn, ShardId="shardId-00000000000000000000-ffffffff", ShardIteratorType="LATEST"
        )

    assert code(error) == "ResourceNotFoundException"


async def test_a_disabled_stream_is_read_to_its_end_and_a_new_one_has_another_arn(subject: Subject) -> None:
    """Its shard ends with a page that has no next iterator. (That both are listed, the emulator does not do.)"""
    await subject.put("exec:1")
    iterator: str | None = await subject.iterator()
    old = (await subject.arns())[-1]
    await subject.set_stream(False)
    # The emulator's labels have a resolution of a millisecond.
    await asyncio.sleep(0.01)
    await subject.set_stream(True)
    await subject.put("exec:2")

    seen: list[str] = []
    for _ in range(3):
        records, iterator = await subject.read(iterator or "")
        seen += keys(records)
        if iterator is None:
            break

    assert (seen, iterator) == (["exec:1"], None)
    assert (await subject.shard())[0] != old
    assert (await subject.streams.describe_stream(StreamArn=old))["StreamDescription"]["StreamStatus"] == "DISABLED"
    assert keys((await subject.read(await subject.iterator()))[0]) == ["exec:2"]
