"""Reading executions by index: by account, by helper, and what is due."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fleet.clock import instant_text
from fleet.execution import SCHEDULE_BUCKETS, Execution
from fleet.marshalling import item, plain

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

SCHEDULE_INDEX = "ScheduleIndex"


class ExecutionIndex:
    """Queries over the executions table. Index reads are eventually consistent."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def list(
        self,
        *,
        account_id: str | None = None,
        helper_id: str | None = None,
        status: str | None = None,
        limit: int = 50,
        start: Mapping[str, Any] | None = None,
    ) -> tuple[Sequence[Execution], dict[str, Any] | None]:
        """Newest first, by helper or by account. Returns a page and the key to continue after (None = end).

        A status filter is applied after DynamoDB's page is read; pages are read until ``limit`` match.
        """
        index, key, value = (
            ("HelperIdCreatedAtIndex", "helper_id", helper_id)
            if helper_id
            else ("AccountIdCreatedAtIndex", "account_id", account_id or "")
        )
        conditions: list[str] = []
        names = {"#key": key}
        values: dict[str, Any] = {":key": value}
        if helper_id and account_id:
            conditions.append("account_id = :account")
            values[":account"] = account_id
        if status:
            conditions.append("#status = :status")
            names["#status"] = "status"
            values[":status"] = status
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": "#key = :key",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": item(values),
            "ScanIndexForward": False,
        }
        if conditions:
            request["FilterExpression"] = " AND ".join(conditions)
        found: list[Execution] = []
        last = item(start) if start else None
        while len(found) < limit:
            if last:
                request["ExclusiveStartKey"] = last
            answer = await self._dynamodb.query(**request, Limit=limit - len(found) if not conditions else 200)
            for image in answer["Items"]:
                found.append(Execution.model_validate(plain(image)))
                if len(found) == limit:
                    return found, {
                        "execution_id": found[-1].execution_id,
                        key: value,
                        "created_at": found[-1].created_at,
                    }
            last = answer.get("LastEvaluatedKey")  # type: ignore[assignment]
            if not last:
                return found, None
        return found, plain(last) if last else None

    async def due(self, now: datetime, limit: int = 1000) -> Sequence[Execution]:
        """Scheduled executions whose not_before has come, in order of not_before.

        The index is sparse: it holds what waits for nothing but time. Its projection is enough for queue_due.
        """
        moment = instant_text(now)
        buckets = [
            await self._due_in_bucket(f"scheduled#{number}", moment, limit) for number in range(SCHEDULE_BUCKETS)
        ]
        return list(heapq.merge(*buckets, key=lambda execution: execution.not_before))[:limit]

    async def _due_in_bucket(self, bucket: str, moment: str, limit: int) -> Sequence[Execution]:
        found: list[Execution] = []
        async for image in self._pages(
            IndexName=SCHEDULE_INDEX,
            KeyConditionExpression="schedule_bucket = :bucket AND not_before <= :now",
            ExpressionAttributeValues=item({":bucket": bucket, ":now": moment}),
            Limit=limit,
        ):
            found.append(Execution.model_validate(image))
            if len(found) >= limit:
                break
        return found

    async def _pages(self, **request: Any) -> AsyncIterator[dict[str, Any]]:
        while True:
            answer = await self._dynamodb.query(TableName=self._table, **request)
            for image in answer["Items"]:
                yield plain(image)
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
