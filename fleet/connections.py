"""From a connection id to credentials: connection row → auth row → platform row (crm.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fleet.clock import SystemClock, instant_text
from fleet.connection_status import set_status
from fleet.marshalling import attribute, item, plain
from fleet.settings import FleetSettings
from fleet.token_rows import DynamoTokenStore
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.errors import StateConflict
from helpers.ports import ServiceAuth

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient


# A failed test of the earlier platform leaves ``error``, and its tests of ActiveCampaign and Ontraport always failed
# (crm.md section 3): whether credentials are good is for the vendor to say.
USABLE = frozenset({"active", "error"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything a connector or service client needs. Never logged: the repr names no secret."""

    slug: str
    connection_id: str
    auth_id: str
    auth_type: str
    base_url: str
    account_id: str
    auth: ServiceAuth
    expires_at: float | None
    settings: Mapping[str, Any]

    def with_auth(self, auth: ServiceAuth) -> Credentials:
        """The same connection with renewed tokens."""
        return replace(self, auth=auth)

    def __repr__(self) -> str:
        return f"Credentials({self.slug}, {self.connection_id}, {self.auth!r})"


class ConnectionStore:
    """Reads connections, their credentials and platforms.

    Errors are CrmError with the loader's codes: CONNECTION_NOT_FOUND, FORBIDDEN (another account's),
    NO_AUTH, AUTH_NOT_FOUND, PLATFORM_NOT_FOUND; an auth that is not active and a connection that was closed are
    AUTH_EXPIRED.
    """

    def __init__(self, dynamodb: DynamoDBClient, settings: FleetSettings, *, clock: SystemClock | None = None) -> None:
        self._dynamodb = dynamodb
        self._settings = settings
        self._clock = clock or SystemClock()

    async def credentials(self, connection_id: str, account_id: str) -> Credentials:
        """The credentials of the account's connection, read consistently."""
        connection = await self._get(self._settings.connections_table, "connection_id", connection_id)
        if connection is None:
            raise _refused(CrmErrorCode.CONNECTION_NOT_FOUND, 404, f"connection {connection_id} does not exist")
        if connection.get("account_id") != account_id:
            raise _refused(CrmErrorCode.FORBIDDEN, 403, f"connection {connection_id} belongs to another account")
        if connection.get("status", "active") not in USABLE:
            raise _refused(
                CrmErrorCode.AUTH_EXPIRED, 401, f"connection {connection_id} is {connection['status']}: reconnect it"
            )
        if not connection.get("auth_id"):
            raise _refused(CrmErrorCode.NO_AUTH, 400, f"connection {connection_id} has no credentials: reconnect it")
        auth = await self._get(self._settings.platform_connection_auths_table, "auth_id", connection["auth_id"])
        if auth is None:
            raise _refused(CrmErrorCode.AUTH_NOT_FOUND, 404, f"credentials of connection {connection_id} are gone")
        if auth.get("account_id", account_id) != account_id:
            raise _refused(CrmErrorCode.FORBIDDEN, 403, f"credentials of {connection_id} belong to another account")
        if auth.get("status") != "active":
            raise _refused(
                CrmErrorCode.AUTH_EXPIRED, 401, f"credentials of connection {connection_id} are {auth.get('status')}"
            )
        platform = await self._get(self._settings.platforms_table, "platform_id", connection.get("platform_id", ""))
        if platform is None:
            raise _refused(
                CrmErrorCode.PLATFORM_NOT_FOUND, 404, f"platform {connection.get('platform_id')} does not exist"
            )
        return resolve(connection, auth, platform)

    async def list_connections(self, account_id: str) -> list[dict[str, Any]]:
        """The connection rows of the account (they hold no secrets)."""
        rows: list[dict[str, Any]] = []
        request: dict[str, Any] = {}
        while True:
            answer = await self._dynamodb.query(
                TableName=self._settings.connections_table,
                IndexName="AccountIdIndex",
                KeyConditionExpression="account_id = :account",
                ExpressionAttributeValues=item({":account": account_id}),
                **request,
            )
            rows.extend(plain(row) for row in answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return rows
            request = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def store_tokens(self, held: Credentials, auth: ServiceAuth, *, expires_at: int | None = None) -> None:
        """Store renewed tokens on condition that nobody renewed or reconnected since. Raises StateConflict."""
        values: dict[str, Any] = {
            ":access": auth.access_token,
            ":refresh": auth.refresh_token or held.auth.refresh_token,
            ":spent": held.auth.refresh_token,
            ":now": int(self._clock.now().timestamp()),
            ":zero": 0,
            ":one": 1,
            ":active": "active",
        }
        update = (
            "SET access_token = :access, refresh_token = :refresh, version = if_not_exists(version, :zero) + :one, "
            "last_refresh_at = :now, updated_at = :now, refresh_attempts = :zero, #status = :active"
        )
        if expires_at is not None:
            values[":expires"] = expires_at
            update += ", expires_at = :expires"
        try:
            await self._dynamodb.update_item(
                TableName=self._settings.platform_connection_auths_table,
                Key={"auth_id": attribute(held.auth_id)},
                UpdateExpression=update + " REMOVE last_refresh_error, refresh_lease_owner, refresh_lease_until",
                ConditionExpression="refresh_token = :spent",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=item(values),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as exc:
            raise StateConflict(f"the tokens of connection {held.connection_id} were renewed elsewhere") from exc

    def token_store(self, held: Credentials) -> DynamoTokenStore:
        """The renewable tokens of the connection."""
        return DynamoTokenStore(self._dynamodb, self._settings, held.auth_id, held.connection_id, clock=self._clock)

    async def mark_error(self, connection_id: str) -> None:
        """Set the connection's status to ``error``: the vendor refuses its credentials."""
        await set_status(self._dynamodb, self._settings.connections_table, connection_id, "error")

    async def mark_working(self, connection_id: str) -> None:
        """Set the connection's status to ``active``: a test has just succeeded."""
        now = instant_text(self._clock.now())
        table = self._settings.connections_table
        await set_status(self._dynamodb, table, connection_id, "active", last_connected=now, updated_at=now)

    async def _get(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        if not value:
            return None
        answer = await self._dynamodb.get_item(TableName=table, Key={key: attribute(value)}, ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None


def resolve(connection: Mapping[str, Any], auth: Mapping[str, Any], platform: Mapping[str, Any]) -> Credentials:
    """Merge the three rows, in the order of crm.md section 3.

    base_url: what the user typed (auth, then connection metadata), then the platform row unless it is a template,
    else "" (the connector's default). account_id: external_app_id, else the stored location. The role of an AWS
    connection stands in the metadata: ``role_arn`` and ``external_id``.
    """
    auth_meta: Mapping[str, Any] = auth.get("credentials_meta") or {}
    connection_meta: Mapping[str, Any] = connection.get("credentials_metadata") or {}
    metadata = {**connection_meta, **auth_meta}
    platform_url = str((platform.get("api_config") or {}).get("base_url") or "")
    base_url = str(auth_meta.get("api_url") or connection_meta.get("api_url") or "") or (
        platform_url if "{" not in platform_url else ""
    )
    account = str(
        connection.get("external_app_id") or auth_meta.get("location_id") or connection_meta.get("location_id") or ""
    )
    api_secret = str(auth.get("api_secret") or auth_meta.get("app_id") or connection_meta.get("app_id") or "")
    expires_at = auth.get("expires_at")
    return Credentials(
        slug=str(platform["slug"]),
        connection_id=str(connection["connection_id"]),
        auth_id=str(connection.get("auth_id", "")),
        auth_type=str(auth.get("auth_type") or connection.get("auth_type") or ""),
        base_url=base_url,
        account_id=account,
        auth=ServiceAuth(
            access_token=str(auth.get("access_token") or ""),
            refresh_token=str(auth.get("refresh_token") or ""),
            api_key=str(auth.get("api_key") or ""),
            api_secret=api_secret,
            base_url=base_url,
            account_id=account,
            role_arn=str(metadata.get("role_arn") or ""),
            external_id=str(metadata.get("external_id") or ""),
        ),
        # 0 or absent: unknown, used until the vendor answers 401
        expires_at=float(expires_at) if expires_at else None,
        settings=metadata,
    )


def _refused(code: CrmErrorCode, status: int, message: str) -> CrmError:
    return CrmError(code, message, platform="connection", status_code=status)
