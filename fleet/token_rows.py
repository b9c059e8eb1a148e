"""The stored OAuth2 tokens of one connection: `helpers.crm.oauth.TokenStore` on the auths table (crm.md section 6.3).

Every write is one conditional UpdateItem, so of two workers that renew at once one wins and the other reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.clock import SystemClock
from fleet.connection_status import set_status
from fleet.marshalling import attribute, item, plain
from fleet.settings import FleetSettings
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.oauth import IssuedTokens, TokenRow

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoTokenStore:
    """The row of ``auth_id``; ``connection_id`` is the connection that a dead refresh token puts into ``error``."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        settings: FleetSettings,
        auth_id: str,
        connection_id: str,
        *,
        clock: SystemClock | None = None,
    ) -> None:
        self._dynamodb = dynamodb
        self._auths = settings.platform_connection_auths_table
        self._connections = settings.connections_table
        self._key = {"auth_id": attribute(auth_id)}
        self._connection_id = connection_id
        self._connection_key = {"connection_id": attribute(connection_id)}
        self._clock = clock or SystemClock()

    async def read(self) -> TokenRow:
        """The row, read consistently. Raises CrmError (AUTH_NOT_FOUND) when it is gone."""
        answer = await self._dynamodb.get_item(TableName=self._auths, Key=self._key, ConsistentRead=True)
        if "Item" not in answer:
            raise CrmError(
                CrmErrorCode.AUTH_NOT_FOUND, "the credentials are gone: reconnect", platform="connection",
                status_code=404,
            )  # fmt: skip
        return _row(plain(answer["Item"]))

    async def lease(self, refresh_token: str, *, owner: str, until: float, now: float) -> bool:
        """Take the lease for spending the refresh token."""
        return await self._update(
            "SET refresh_lease_owner = :owner, refresh_lease_until = :until ADD refresh_attempts :one",
            "refresh_token = :token AND (attribute_not_exists(refresh_lease_until) OR refresh_lease_until < :now)",
            {":owner": owner, ":until": round(until, 3), ":one": 1, ":token": refresh_token, ":now": round(now, 3)},
        )

    async def store(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        """Keep the new tokens unless someone connected anew meanwhile; a location goes to the connection."""
        values: dict[str, Any] = {
            ":access": issued.access_token,
            ":refresh": issued.refresh_token,
            ":expires": int(issued.expires_at),
            ":spent": spent.refresh_token,
            ":version": spent.version,
            ":next": spent.version + 1,
            ":now": self._epoch(),
            ":zero": 0,
            ":active": "active",
        }
        update = (
            "SET access_token = :access, refresh_token = :refresh, expires_at = :expires, version = :next, "
            "last_refresh_at = :now, updated_at = :now, refresh_attempts = :zero, #status = :active"
        )
        for name, value in (("token_type", issued.token_type), ("#scope", issued.scope)):
            if value:
                update += f", {name} = :{name.lstrip('#')}"
                values[f":{name.lstrip('#')}"] = value
        names = {"#status": "status"} | ({"#scope": "scope"} if issued.scope else {})
        try:
            await self._dynamodb.update_item(
                TableName=self._auths,
                Key=self._key,
                UpdateExpression=update + " REMOVE last_refresh_error, refresh_lease_owner, refresh_lease_until",
                ConditionExpression=(
                    "refresh_token = :spent AND (version = :version"
                    " OR (attribute_not_exists(version) AND :version = :zero))"
                ),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != _CONDITION_FAILED:
                raise
            image: Any = exc.response.get("Item")
            return _row(plain(image)) if image else await self.read()
        if issued.location_id:
            await self._keep_location(issued.location_id)
        return None

    async def refuse(self, spent: TokenRow, *, owner: str, error: str) -> None:
        """Note the final refusal and put the connection into ``error``, unless someone connected anew."""
        refused = await self._update(
            "SET last_refresh_error = :error, updated_at = :now REMOVE refresh_lease_owner, refresh_lease_until",
            "refresh_token = :spent AND refresh_lease_owner = :owner",
            {":error": error, ":now": self._epoch(), ":spent": spent.refresh_token, ":owner": owner},
        )
        if refused:
            await set_status(self._dynamodb, self._connections, self._connection_id, "error")

    async def release(self, *, owner: str, error: str) -> None:
        """End the owner's lease after a failure that may pass."""
        await self._update(
            "SET last_refresh_error = :error, updated_at = :now REMOVE refresh_lease_owner, refresh_lease_until",
            "refresh_lease_owner = :owner",
            {":error": error, ":now": self._epoch(), ":owner": owner},
        )

    async def _keep_location(self, location_id: str) -> None:
        """GoHighLevel names the location in the token answer only; a stored one is left alone."""
        try:
            await self._dynamodb.update_item(
                TableName=self._connections,
                Key=self._connection_key,
                UpdateExpression="SET external_app_id = :location",
                ConditionExpression=(
                    "attribute_exists(connection_id)"
                    " AND (attribute_not_exists(external_app_id) OR external_app_id = :blank)"
                ),
                ExpressionAttributeValues=item({":location": location_id, ":blank": ""}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return  # known already

    async def _update(self, update: str, condition: str, values: dict[str, Any]) -> bool:
        try:
            await self._dynamodb.update_item(
                TableName=self._auths,
                Key=self._key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=item(values),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _epoch(self) -> int:
        return int(self._clock.now().timestamp())


def _row(stored: dict[str, Any]) -> TokenRow:
    return TokenRow(
        access_token=str(stored.get("access_token") or ""),
        refresh_token=str(stored.get("refresh_token") or ""),
        expires_at=float(stored.get("expires_at") or 0),
        version=int(stored.get("version") or 0),
        lease_owner=str(stored.get("refresh_lease_owner") or ""),
        lease_until=float(stored.get("refresh_lease_until") or 0),
    )
