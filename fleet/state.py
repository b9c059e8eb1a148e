"""The helpers' durable state in DynamoDB: `helpers.ports.StateStore` on one table.

Item: ``state_key`` (S, partition key), ``value`` (S, JSON), ``version`` (N), ``counter`` (N, counters only),
``expires_at`` (N, epoch seconds, what reads obey) and ``ttl`` (N, what DynamoDB's lazy deletion obeys).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleet.clock import SystemClock
from fleet.marshalling import attribute, item, plain
from helpers.errors import StateConflict
from helpers.ports import StateEntry

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

# DynamoDB deletes by ttl at its leisure; a day of slack keeps what a read may still have to judge.
_TTL_SLACK_SECONDS = 86_400


class DynamoStateStore:
    """Conditional key/value state shared by all workers."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, *, clock: SystemClock | None = None) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock or SystemClock()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _expiry(self, ttl_seconds: float | None) -> dict[str, Any]:
        if ttl_seconds is None:
            return {}
        expires_at = round(self._now() + ttl_seconds, 3)
        return {"expires_at": expires_at, "ttl": int(expires_at) + _TTL_SLACK_SECONDS}

    async def get(self, key: str) -> StateEntry | None:
        """The entry, read consistently; expired is absent."""
        answer = await self._dynamodb.get_item(
            TableName=self._table, Key={"state_key": attribute(key)}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        stored = plain(answer["Item"])
        if stored.get("expires_at") is not None and stored["expires_at"] <= self._now():
            return None
        if "counter" in stored:
            return StateEntry({"counter": stored["counter"]}, 1)
        return StateEntry(json.loads(stored["value"]), stored["version"])

    async def put(
        self, key: str, value: Mapping[str, Any], *, if_version: int | None = None, ttl_seconds: float | None = None
    ) -> StateEntry:
        """Write on condition; raises StateConflict. An expired entry counts as absent."""
        values: dict[str, Any] = {":value": json.dumps(value), ":one": 1, ":zero": 0}
        condition = None
        if if_version == 0:
            condition = "attribute_not_exists(state_key) OR expires_at <= :now"
            values[":now"] = round(self._now(), 3)
        elif if_version is not None:
            condition = "version = :expected"
            values[":expected"] = if_version
        assignments = ["#value = :value", "version = if_not_exists(version, :zero) + :one"]
        removals = []
        for name, moment in {"expires_at": None, "ttl": None, **self._expiry(ttl_seconds)}.items():
            if moment is None:
                removals.append(f"#{name}")
            else:
                assignments.append(f"#{name} = :{name}")
                values[f":{name}"] = moment
        request: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        update = f"SET {', '.join(assignments)}" + (f" REMOVE {', '.join(removals)}" if removals else "")
        try:
            answer = await self._dynamodb.update_item(
                TableName=self._table,
                Key={"state_key": attribute(key)},
                UpdateExpression=update,
                ExpressionAttributeNames={"#value": "value", "#expires_at": "expires_at", "#ttl": "ttl"},
                ExpressionAttributeValues=item(values),
                ReturnValues="UPDATED_NEW",
                **request,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise StateConflict(f"state {key!r} is not at version {if_version}") from exc
        return StateEntry(dict(value), plain(answer["Attributes"])["version"])

    async def increment(self, key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        """Add atomically. The expiry is set by the first increment; an expired counter starts at zero."""
        expiry = self._expiry(ttl_seconds)
        values: dict[str, Any] = {":by": by, ":now": round(self._now(), 3)}
        update = "ADD #counter :by"
        names = {"#counter": "counter"}
        if expiry:
            update += " SET expires_at = if_not_exists(expires_at, :expires), #ttl = if_not_exists(#ttl, :ttl)"
            values |= {":expires": expiry["expires_at"], ":ttl": expiry["ttl"]}
            names["#ttl"] = "ttl"
        while True:
            try:
                answer = await self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"state_key": attribute(key)},
                    UpdateExpression=update,
                    ConditionExpression="attribute_not_exists(expires_at) OR expires_at > :now",
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=item(values),
                    ReturnValues="UPDATED_NEW",
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                await self._delete_expired(key)
            else:
                return int(plain(answer["Attributes"])["counter"])

    async def _delete_expired(self, key: str) -> None:
        try:
            await self._dynamodb.delete_item(
                TableName=self._table,
                Key={"state_key": attribute(key)},
                ConditionExpression="expires_at <= :now",
                ExpressionAttributeValues=item({":now": round(self._now(), 3)}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return  # another writer renewed it first, which is what the caller wants

    async def delete(self, key: str) -> None:
        """Remove the entry; absent is success."""
        await self._dynamodb.delete_item(TableName=self._table, Key={"state_key": attribute(key)})
