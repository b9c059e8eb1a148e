"""Helpers as accounts configured them: looked up by id, bare uuid or short key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleet.clock import SystemClock, instant_text
from fleet.marshalling import attribute, item, plain
from helpers.errors import StateConflict
from helpers.ports import StoredHelper

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

SHORT_KEY_LENGTH = 20


class StoredHelpers:
    """The helpers table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, *, clock: SystemClock | None = None) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock or SystemClock()

    async def find(self, identifier: str, account_id: str | None) -> StoredHelper | None:
        """By short key (<= 20 characters without a prefix), ``helper:<uuid>`` or bare uuid.

        A helper of another account is None; ``account_id=None`` skips that check (public short links only).
        """
        identifier = identifier.strip()
        if not identifier:
            return None
        row = (
            await self._by_short_key(identifier, account_id)
            if len(identifier) <= SHORT_KEY_LENGTH and ":" not in identifier
            else await self._by_id(identifier if identifier.startswith("helper:") else f"helper:{identifier}")
        )
        if row is None or (account_id is not None and row.get("account_id") != account_id):
            return None
        return _stored(row)

    async def put(self, helper: StoredHelper, **attributes: Any) -> None:
        """Store the helper. ``attributes`` are further columns (created_by, category, ...)."""
        now = instant_text(self._clock.now())
        row = {"created_at": now, **attributes, **helper.model_dump(), "updated_at": now}
        await self._dynamodb.put_item(
            TableName=self._table, Item=item({key: value for key, value in row.items() if value != ""})
        )

    async def count_run(self, helper_id: str, runs: int = 1) -> None:
        """execution_count + ``runs`` and last_executed_at, after runs of a stored helper."""
        try:
            await self._dynamodb.update_item(
                TableName=self._table,
                Key={"helper_id": attribute(helper_id)},
                UpdateExpression="SET last_executed_at = :now ADD execution_count :runs",
                ConditionExpression="attribute_exists(helper_id)",
                ExpressionAttributeValues=item({":now": instant_text(self._clock.now()), ":runs": runs}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return  # deleted while it ran: nothing to count on

    async def rows(self, account_id: str) -> list[dict[str, Any]]:
        """The account's rows, deleted helpers included."""
        found: list[dict[str, Any]] = []
        request: dict[str, Any] = {}
        while True:
            answer = await self._dynamodb.query(
                TableName=self._table,
                IndexName="AccountIdIndex",
                KeyConditionExpression="account_id = :account",
                ExpressionAttributeValues=item({":account": account_id}),
                **request,
            )
            found.extend(plain(row) for row in answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return found
            request = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def replace_config(
        self, helper_id: str, known: Mapping[str, Any], config: Mapping[str, Any], *, mark: str, at: str
    ) -> None:
        """Write a config once: ``mark`` says when. Raises StateConflict where it was changed or marked meanwhile."""
        try:
            await self._dynamodb.update_item(
                TableName=self._table,
                Key={"helper_id": attribute(helper_id)},
                UpdateExpression="SET config = :config, updated_at = :at, #mark = :at",
                ConditionExpression="attribute_not_exists(#mark) AND (config = :known OR attribute_not_exists(config))",
                ExpressionAttributeNames={"#mark": mark},
                ExpressionAttributeValues=item({":config": dict(config), ":known": dict(known), ":at": at}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise StateConflict(f"{helper_id} was changed meanwhile: run the conversion again") from exc

    async def _by_id(self, helper_id: str) -> dict[str, Any] | None:
        answer = await self._dynamodb.get_item(TableName=self._table, Key={"helper_id": attribute(helper_id)})
        return plain(answer["Item"]) if "Item" in answer else None

    async def _by_short_key(self, short_key: str, account_id: str | None) -> dict[str, Any] | None:
        answer = await self._dynamodb.query(
            TableName=self._table,
            IndexName="ShortKeyIndex",
            KeyConditionExpression="short_key = :key",
            ExpressionAttributeValues=item({":key": short_key}),
        )
        # No index makes short keys unique: another account's helper of that key must not hide the account's own.
        rows = [plain(row) for row in answer["Items"]]
        return next((row for row in rows if account_id in (None, row.get("account_id"))), None)


class AccountHelpers:
    """`helpers.ports.HelperDirectory` for one account."""

    def __init__(self, stored: StoredHelpers, account_id: str) -> None:
        self._stored = stored
        self._account_id = account_id

    async def resolve(self, identifier: str) -> StoredHelper | None:
        """The account's helper of that identifier, or None."""
        return await self._stored.find(identifier, self._account_id)


def new_helper_id() -> str:
    """``helper:`` + UUID."""
    return f"helper:{uuid.uuid4()}"


def _stored(row: dict[str, Any]) -> StoredHelper:
    return StoredHelper(
        helper_id=row["helper_id"],
        helper_type=str(row.get("helper_type", "")),
        account_id=str(row.get("account_id", "")),
        short_key=str(row.get("short_key", "")),
        connection_id=str(row.get("connection_id") or ""),
        name=str(row.get("name", "")),
        status=str(row.get("status", "active")),
        enabled=row.get("enabled") is not False,
        config=row.get("config") or {},
    )
