"""The lease table on DynamoDB: one item per shard, partition key ``lease_key``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.marshalling import attribute, item, plain
from router.leases import Lease, LeaseConflict

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

_ATTRIBUTES = {
    "stream_arn": "stream_arn",
    "shard_id": "shard_id",
    "owner": "owner",
    "counter": "counter",
    "checkpoint": "checkpoint",
    "parents": "parent_shard_ids",
    "children": "child_shard_ids",
    "successor": "successor",
    "owner_switches": "owner_switches_since_checkpoint",
    "checkpointed_at": "checkpointed_at",
    "lag_ms": "lag_ms",
}


class DynamoLeaseTable:
    """`router.leases.LeaseTable` on DynamoDB. Attributes that this version does not know are kept."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def scan(self) -> Sequence[Lease]:
        """All leases. A stream has tens of them: one page, read consistently."""
        leases: list[Lease] = []
        request: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        while True:
            answer = await self._dynamodb.scan(**request)
            leases.extend(map(_lease, answer["Items"]))
            if not answer.get("LastEvaluatedKey"):
                return leases
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def create(self, lease: Lease) -> bool:
        """Store a new lease; False when the key exists."""
        present, _ = _attributes(lease)
        try:
            await self._dynamodb.put_item(
                TableName=self._table,
                Item=item({"lease_key": lease.key, **present}),
                ConditionExpression="attribute_not_exists(lease_key)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    async def swap(self, old: Lease, new: Lease) -> None:
        """Store ``new`` over exactly ``old``. Raises LeaseConflict with the stored lease.

        A write whose answer was lost is repeated by the client and finds itself: that is success.
        """
        present, absent = _attributes(new)
        names = {f"#{name}": name for name in [*present, *absent]}
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in present)
        if absent:
            update += " REMOVE " + ", ".join(f"#{name}" for name in absent)
        try:
            await self._dynamodb.update_item(
                TableName=self._table,
                Key={"lease_key": attribute(new.key)},
                UpdateExpression=update,
                ConditionExpression="#counter = :expected",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=item(
                    {":expected": old.counter, **{f":{name}": value for name, value in present.items()}}
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            image: Mapping[str, Any] | None = exc.response.get("Item")  # type: ignore[assignment]
            current = _lease(image) if image else None
            if current != new:
                raise LeaseConflict(new.key, current) from exc

    async def delete(self, lease: Lease) -> bool:
        """Delete exactly this version; False when it changed or is gone."""
        try:
            await self._dynamodb.delete_item(
                TableName=self._table,
                Key={"lease_key": attribute(lease.key)},
                ConditionExpression="#counter = :expected",
                ExpressionAttributeNames={"#counter": "counter"},
                ExpressionAttributeValues=item({":expected": lease.counter}),
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _attributes(lease: Lease) -> tuple[dict[str, Any], list[str]]:
    values = {name: getattr(lease, field) for field, name in _ATTRIBUTES.items()}
    present = {name: value for name, value in values.items() if value not in (None, "", ())}
    return present, [name for name in values if name not in present]


def _lease(image: Mapping[str, Any]) -> Lease:
    stored = plain(image)
    fields = {field: stored[name] for field, name in _ATTRIBUTES.items() if name in stored}
    for several in ("parents", "children"):
        fields[several] = tuple(fields.get(several, ()))
    return Lease(key=stored["lease_key"], **fields)
