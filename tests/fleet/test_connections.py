"""From a connection id to credentials, with every refusal of the loader."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.aws import AwsClients
from fleet.connections import ConnectionStore, resolve
from fleet.marshalling import attribute, item, plain
from fleet.settings import FleetSettings
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.errors import StateConflict
from helpers.ports import ServiceAuth

CONNECTION = {
    "connection_id": "connection:1",
    "account_id": "account:1",
    "platform_id": "platform:keap",
    "auth_id": "auth:1",
    "status": "active",
    "external_app_id": "tenant-9",
    "credentials_metadata": None,
}
AUTH = {
    "auth_id": "auth:1",
    "connection_id": "connection:1",
    "account_id": "account:1",
    "auth_type": "oauth2",
    "status": "active",
    "version": 0,
    "access_token": "access-1",
    "refresh_token": "refresh-1",
    "expires_at": 1_800_000_000,
}
PLATFORM = {"platform_id": "platform:keap", "slug": "keap", "api_config": {"base_url": "https://api.example/crm"}}


@pytest.fixture
def store(aws: AwsClients, stage_settings: FleetSettings) -> ConnectionStore:
    return ConnectionStore(aws.dynamodb, stage_settings)


@pytest.fixture
async def put(aws: AwsClients, stage_settings: FleetSettings) -> Any:
    async def write(
        connection: dict[str, Any] | None = CONNECTION,
        auth: dict[str, Any] | None = AUTH,
        platform: dict[str, Any] | None = PLATFORM,
    ) -> None:
        for table, row in (
            (stage_settings.connections_table, connection),
            (stage_settings.platform_connection_auths_table, auth),
            (stage_settings.platforms_table, platform),
        ):
            if row is not None:
                await aws.dynamodb.put_item(TableName=table, Item=item(row))

    return write


@pytest.mark.stack
async def test_the_three_rows_become_credentials(store: ConnectionStore, put: Any) -> None:
    """Tokens from the auth row, base URL from the platform, account from the connection."""
    await put()

    credentials = await store.credentials("connection:1", "account:1")

    assert (credentials.slug, credentials.account_id) == ("keap", "tenant-9")
    assert credentials.base_url == "https://api.example/crm"
    assert (credentials.auth.access_token, credentials.auth.refresh_token) == ("access-1", "refresh-1")
    assert credentials.expires_at == 1_800_000_000
    assert "access-1" not in repr(credentials)
    assert "refresh-1" not in str(credentials.auth)


@pytest.mark.stack
@pytest.mark.parametrize(
    ("rows", "code", "status"),
    [
        ({"connection": None}, CrmErrorCode.CONNECTION_NOT_FOUND, 404),
        ({"connection": {**CONNECTION, "account_id": "account:2"}}, CrmErrorCode.FORBIDDEN, 403),
        ({"connection": {**CONNECTION, "status": "disconnected"}}, CrmErrorCode.AUTH_EXPIRED, 401),
        ({"connection": {**CONNECTION, "auth_id": ""}}, CrmErrorCode.NO_AUTH, 400),
        ({"auth": None}, CrmErrorCode.AUTH_NOT_FOUND, 404),
        ({"auth": {**AUTH, "account_id": "account:2"}}, CrmErrorCode.FORBIDDEN, 403),
        ({"auth": {**AUTH, "status": "revoked"}}, CrmErrorCode.AUTH_EXPIRED, 401),
        ({"platform": None}, CrmErrorCode.PLATFORM_NOT_FOUND, 404),
    ],
)
async def test_a_connection_that_cannot_be_used_is_refused(
    store: ConnectionStore, put: Any, rows: dict[str, Any], code: CrmErrorCode, status: int
) -> None:
    """With the code of the earlier platform; never retryable."""
    await put(**rows)

    with pytest.raises(CrmError) as refused:
        await store.credentials("connection:1", "account:1")

    assert (refused.value.code, refused.value.status_code, refused.value.retryable) == (code, status, False)


@pytest.mark.stack
async def test_a_failed_test_of_the_earlier_platform_stops_nothing(store: ConnectionStore, put: Any) -> None:
    """Its tests of ActiveCampaign and Ontraport always failed (crm.md section 3): the vendor decides."""
    await put(connection={**CONNECTION, "status": "error"})

    assert (await store.credentials("connection:1", "account:1")).slug == "keap"


@pytest.mark.stack
async def test_the_status_of_a_connection_follows_its_tests(
    store: ConnectionStore, put: Any, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """A deleted connection is not made anew by it."""
    await put()
    await store.mark_error("connection:1")
    assert (await store.list_connections("account:1"))[0]["status"] == "error"
    await store.mark_working("connection:1")
    (row,) = await store.list_connections("account:1")
    assert row["status"] == "active"
    assert row["last_connected"].endswith("Z")

    await store.mark_working("connection:gone")
    await store.mark_error("connection:gone")
    key = {"connection_id": attribute("connection:gone")}
    assert "Item" not in await aws.dynamodb.get_item(TableName=stage_settings.connections_table, Key=key)


@pytest.mark.parametrize(
    ("auth", "connection", "base_url", "account"),
    [
        ({}, {}, "https://api.example/crm", "tenant-9"),
        ({"credentials_meta": {"api_url": "https://mine"}}, {}, "https://mine", "tenant-9"),
        ({}, {"credentials_metadata": {"api_url": "https://old"}}, "https://old", "tenant-9"),
        ({"credentials_meta": {"location_id": "L"}}, {"external_app_id": ""}, "https://api.example/crm", "L"),
    ],
)
def test_what_the_user_typed_wins_over_the_platform_row(
    auth: dict[str, Any], connection: dict[str, Any], base_url: str, account: str
) -> None:
    """The order of crm.md section 3."""
    found = resolve({**CONNECTION, **connection}, {**AUTH, **auth}, PLATFORM)

    assert (found.base_url, found.account_id) == (base_url, account)


def test_a_template_is_no_base_url() -> None:
    """The seeded ActiveCampaign row holds one; the connector's default applies."""
    platform = {"slug": "activecampaign", "api_config": {"base_url": "https://{account}.api-us1.com/api/3"}}

    assert resolve(CONNECTION, AUTH, platform).base_url == ""


def test_an_ontraport_app_id_may_be_metadata() -> None:
    """The old save handler kept api_secret only where the form sent it."""
    auth = {**AUTH, "credentials_meta": {"app_id": "app-7"}}

    assert resolve(CONNECTION, auth, PLATFORM).auth.api_secret == "app-7"


def test_an_aws_role_is_metadata() -> None:
    """keap_backup: the role to assume in the tenant's account, and the external id that its owner got from us."""
    auth = {**AUTH, "credentials_meta": {"role_arn": "arn:aws:iam::1:role/x", "external_id": "ext-1"}}

    found = resolve(CONNECTION, auth, PLATFORM).auth

    assert (found.role_arn, found.external_id) == ("arn:aws:iam::1:role/x", "ext-1")
    assert "ext-1" not in repr(found)


def test_an_expiry_of_zero_is_unknown() -> None:
    """Such a token is used until the vendor answers 401."""
    assert resolve(CONNECTION, {**AUTH, "expires_at": 0}, PLATFORM).expires_at is None


@pytest.mark.stack
async def test_renewed_tokens_are_stored_once(
    store: ConnectionStore, put: Any, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """The second of two workers that spent the same refresh token is refused; nothing is overwritten."""
    await put()
    held = await store.credentials("connection:1", "account:1")

    await store.store_tokens(held, ServiceAuth(access_token="access-2", refresh_token="refresh-2"), expires_at=5)
    with pytest.raises(StateConflict):
        await store.store_tokens(held, ServiceAuth(access_token="access-3", refresh_token="refresh-3"))

    row = await aws.dynamodb.get_item(
        TableName=stage_settings.platform_connection_auths_table, Key={"auth_id": attribute("auth:1")}
    )
    stored = plain(row["Item"])
    assert (stored["access_token"], stored["refresh_token"], stored["version"]) == ("access-2", "refresh-2", 1)
    assert stored["expires_at"] == 5


@pytest.mark.stack
async def test_connections_of_an_account_are_listed(store: ConnectionStore, put: Any) -> None:
    """Those of other accounts are not."""
    await put()
    await put(connection={**CONNECTION, "connection_id": "connection:2", "account_id": "account:2"})

    rows = await store.list_connections("account:1")

    assert [row["connection_id"] for row in rows] == ["connection:1"]
