"""Backups with the tenant's keys or role, against the emulator."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from fleet.aws import service_client
from fleet.clock import SystemClock
from fleet.helper_settings import HelperRuntimeSettings
from fleet.ports.files import S3Backups
from fleet.ports.tenant_roles import TenantRoles
from helpers.errors import PermanentFailure
from helpers.ports import ServiceAuth

pytestmark = pytest.mark.embedded("the LocalStack of the compose file has no S3 and no STS")

ROLE = ServiceAuth(role_arn="arn:aws:iam::123456789012:role/mfh-backup", external_id="ext-1")


class Clock(SystemClock):
    """The emulator's time, moved ahead by the test."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def settings(emulator_url: str, tmp_path: Path) -> HelperRuntimeSettings:
    return HelperRuntimeSettings(aws_endpoint_url=emulator_url)


@pytest.mark.stack
@pytest.mark.parametrize("auth", [ROLE, ServiceAuth(api_key="AKIATENANT", api_secret="secret"), None])
async def test_a_backup_is_written_encrypted(settings: HelperRuntimeSettings, auth: ServiceAuth | None) -> None:
    """With a role, with keys, or with the platform's own credentials."""
    bucket = f"backups-{uuid.uuid4().hex}"
    # The emulator keeps an account for each access key: the bucket has to be made by whom it belongs to.
    backups = S3Backups(settings)
    keys = {} if auth is None else await backups._keys(auth)
    async with service_client(settings, "s3", **keys) as s3:
        await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})

        await backups.put(bucket, "a/b.json", b"[]", "application/json", auth=auth)

        stored = await s3.get_object(Bucket=bucket, Key="a/b.json")
        assert await stored["Body"].read() == b"[]"
        assert (stored["ContentType"], stored["ServerSideEncryption"]) == ("application/json", "AES256")


@pytest.mark.stack
async def test_a_role_is_assumed_once_until_it_is_about_to_expire(settings: HelperRuntimeSettings) -> None:
    """A long backup needs a second session."""
    clock = Clock()
    roles = TenantRoles(settings, clock=clock)

    first = await roles.keys(ROLE)
    again = await roles.keys(ROLE)
    other = await roles.keys(ROLE.model_copy(update={"external_id": "ext-2"}))
    clock.ahead = timedelta(minutes=56)
    later = await roles.keys(ROLE)

    assert set(first) == {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
    assert again == first
    assert first not in (other, later)


@pytest.mark.parametrize(
    "auth", [ServiceAuth(api_key="AKIA"), ServiceAuth(role_arn=ROLE.role_arn), ServiceAuth(external_id="e")]
)
async def test_half_a_credential_never_falls_back_to_the_platforms(auth: ServiceAuth) -> None:
    """That would write into a bucket that a tenant names with our own role."""
    with pytest.raises(PermanentFailure, match="neither keys nor a role"):
        await S3Backups(HelperRuntimeSettings()).put("b", "k", b"", "text/plain", auth=auth)


async def test_what_is_sent_to_assume_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """The external id goes along, or the role's trust policy is worth nothing."""
    sent: list[dict[str, Any]] = []

    class Sts:
        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_exc: object) -> None:
            return None

        async def assume_role(self, **request: Any) -> dict[str, Any]:
            sent.append(request)
            keys = {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}
            return {"Credentials": {**keys, "Expiration": datetime.now(UTC) + timedelta(hours=1)}}

    monkeypatch.setattr("fleet.ports.tenant_roles.service_client", lambda *_args: Sts())

    await TenantRoles(HelperRuntimeSettings()).keys(ROLE)

    assert (sent[0]["RoleArn"], sent[0]["ExternalId"], sent[0]["DurationSeconds"]) == (
        "arn:aws:iam::123456789012:role/mfh-backup",
        "ext-1",
        3600,
    )
