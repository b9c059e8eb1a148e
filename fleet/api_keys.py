"""API keys: only their SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.clock import SystemClock, instant_text
from fleet.marshalling import item, plain

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who calls: the account, the user the key belongs to, and the key's id."""

    key_id: str
    account_id: str
    user_id: str


def key_hash(raw_key: str) -> str:
    """SHA-256, hex. Keys hold 256 random bits, so a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(raw_key.encode()).hexdigest()


class ApiKeys:
    """The api-keys table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, *, clock: SystemClock | None = None) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock or SystemClock()

    async def find(self, raw_key: str) -> ApiKey | None:
        """The active key with that secret, or None."""
        answer = await self._dynamodb.query(
            TableName=self._table,
            IndexName="KeyHashIndex",
            KeyConditionExpression="key_hash = :hash",
            ExpressionAttributeValues=item({":hash": key_hash(raw_key)}),
            Limit=1,
        )
        if not answer["Items"]:
            return None
        row = plain(answer["Items"][0])
        expired = bool(row.get("expires_at")) and str(row["expires_at"]) <= instant_text(self._clock.now())
        if row.get("status", "active") != "active" or expired:
            return None
        return ApiKey(
            str(row["key_id"]), str(row["account_id"]), str(row.get("user_id") or row.get("created_by") or "")
        )

    async def create(self, account_id: str, user_id: str, name: str) -> str:
        """Store a new key and return it: the only moment at which it can be read."""
        raw_key = f"mfh_{secrets.token_urlsafe(32)}"
        row = {
            "key_id": f"key:{uuid.uuid4()}",
            "key_hash": key_hash(raw_key),
            "account_id": account_id,
            "user_id": user_id,
            "name": name,
            "status": "active",
            "created_at": instant_text(self._clock.now()),
        }
        await self._dynamodb.put_item(TableName=self._table, Item=item(row))
        return raw_key
