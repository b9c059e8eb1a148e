"""OAuth2 tokens in DynamoDB: leased, spent once, stored before use."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.aws import AwsClients
from fleet.marshalling import attribute, item, plain
from fleet.settings import FleetSettings
from fleet.token_rows import DynamoTokenStore
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.oauth import IssuedTokens

pytestmark = pytest.mark.stack

NOW = 1_800_000_000.0
ROW = {
    "auth_id": "auth:1",
    "account_id": "account:1",
    "status": "active",
    "access_token": "access-1",
    "refresh_token": "refresh-1",
    "expires_at": 1_800_000_100,
    "version": 0,
}
ISSUED = IssuedTokens(access_token="access-2", refresh_token="refresh-2", expires_at=NOW + 3600, scope="full")


class Tables:
    """The two rows of a connection."""

    def __init__(self, aws: AwsClients, settings: FleetSettings) -> None:
        self.aws, self.settings = aws, settings

    async def put(self, **change: Any) -> None:
        row = {key: value for key, value in {**ROW, **change}.items() if value is not None}
        await self.aws.dynamodb.put_item(TableName=self.settings.platform_connection_auths_table, Item=item(row))
        connection = {"connection_id": "connection:1", "account_id": "account:1", "status": "active"}
        await self.aws.dynamodb.put_item(TableName=self.settings.connections_table, Item=item(connection))

    async def auth(self) -> dict[str, Any]:
        answer = await self.aws.dynamodb.get_item(
            TableName=self.settings.platform_connection_auths_table, Key={"auth_id": attribute("auth:1")}
        )
        return plain(answer["Item"])

    async def connection(self) -> dict[str, Any]:
        answer = await self.aws.dynamodb.get_item(
            TableName=self.settings.connections_table, Key={"connection_id": attribute("connection:1")}
        )
        return plain(answer["Item"])


@pytest.fixture
async def tables(aws: AwsClients, stage_settings: FleetSettings) -> Tables:
    tables = Tables(aws, stage_settings)
    await tables.put()
    return tables


@pytest.fixture
def store(aws: AwsClients, stage_settings: FleetSettings) -> DynamoTokenStore:
    return DynamoTokenStore(aws.dynamodb, stage_settings, "auth:1", "connection:1")


async def test_of_two_workers_one_gets_the_lease(store: DynamoTokenStore, tables: Tables) -> None:
    """Until it ends; an ended one may be taken over."""
    assert await store.lease("refresh-1", owner="a", until=NOW + 60, now=NOW)
    assert not await store.lease("refresh-1", owner="b", until=NOW + 60, now=NOW + 59)
    assert await store.lease("refresh-1", owner="b", until=NOW + 130, now=NOW + 61)
    row = await store.read()
    assert (row.lease_owner, row.lease_until) == ("b", NOW + 130)
    assert (await tables.auth())["refresh_attempts"] == 2


async def test_a_spent_token_cannot_be_leased(store: DynamoTokenStore, tables: Tables) -> None:
    """Another worker has stored a newer one."""
    assert not await store.lease("refresh-0", owner="a", until=NOW + 60, now=NOW)
    assert "refresh_lease_owner" not in await tables.auth()


@pytest.mark.parametrize("version", [0, 4, None])
async def test_new_tokens_are_stored_and_the_lease_ends(
    store: DynamoTokenStore, tables: Tables, version: int | None
) -> None:
    """The version counts up; a row of before versions counts as 0."""
    await tables.put(version=version)
    await store.lease("refresh-1", owner="a", until=NOW + 60, now=NOW)

    assert await store.store(await store.read(), ISSUED) is None

    row = await tables.auth()
    assert (row["access_token"], row["refresh_token"], row["expires_at"]) == ("access-2", "refresh-2", NOW + 3600)
    assert (row["version"], row["scope"], row["refresh_attempts"]) == ((version or 0) + 1, "full", 0)
    assert "refresh_lease_owner" not in row
    assert row["account_id"] == "account:1"


async def test_someone_who_connected_anew_keeps_their_row(store: DynamoTokenStore, tables: Tables) -> None:
    """The answer is the row that is there instead."""
    spent = await store.read()
    await tables.put(access_token="access-9", refresh_token="refresh-9", version=7)

    other = await store.store(spent, ISSUED)

    assert other is not None
    assert (other.access_token, other.version) == ("access-9", 7)
    assert (await tables.auth())["access_token"] == "access-9"


async def test_a_location_in_the_answer_goes_to_the_connection_once(store: DynamoTokenStore, tables: Tables) -> None:
    """GoHighLevel; a stored one stays."""
    await store.store(await store.read(), IssuedTokens("access-2", "refresh-2", location_id="L1"))
    assert (await tables.connection())["external_app_id"] == "L1"

    await store.store(await store.read(), IssuedTokens("access-3", "refresh-3", location_id="L2"))
    assert (await tables.connection())["external_app_id"] == "L1"


async def test_a_dead_refresh_token_puts_the_connection_into_error(store: DynamoTokenStore, tables: Tables) -> None:
    """The lease ends, the reason is noted."""
    await store.lease("refresh-1", owner="a", until=NOW + 60, now=NOW)

    await store.refuse(await store.read(), owner="a", error="invalid_grant")

    row = await tables.auth()
    assert row["last_refresh_error"] == "invalid_grant"
    assert "refresh_lease_owner" not in row
    assert (await tables.connection())["status"] == "error"


async def test_a_refusal_of_an_old_token_changes_nothing(store: DynamoTokenStore, tables: Tables) -> None:
    """Somebody reconnected while the vendor answered."""
    spent = await store.read()
    await tables.put(refresh_token="refresh-9")

    await store.refuse(spent, owner="a", error="invalid_grant")

    assert (await tables.connection())["status"] == "active"
    assert "last_refresh_error" not in await tables.auth()


async def test_a_lease_is_released_by_its_owner_only(store: DynamoTokenStore, tables: Tables) -> None:
    """After a failure that may pass."""
    await store.lease("refresh-1", owner="a", until=NOW + 60, now=NOW)
    await store.release(owner="b", error="timeout")
    assert (await store.read()).lease_owner == "a"

    await store.release(owner="a", error="timeout")
    assert (await store.read()).lease_owner == ""
    assert (await tables.auth())["last_refresh_error"] == "timeout"


async def test_credentials_that_are_gone_say_so(aws: AwsClients, stage_settings: FleetSettings) -> None:
    """AUTH_NOT_FOUND."""
    store = DynamoTokenStore(aws.dynamodb, stage_settings, "auth:none", "connection:1")

    with pytest.raises(CrmError) as refused:
        await store.read()

    assert refused.value.code is CrmErrorCode.AUTH_NOT_FOUND
