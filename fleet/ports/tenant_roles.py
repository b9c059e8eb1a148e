"""Roles in tenants' AWS accounts: temporary credentials instead of a tenant's own keys.

The external id is what keeps one tenant from naming another one's role (the confused deputy): whoever connects a
role gets it from us, one for each account, and never chooses it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fleet.aws import service_client
from fleet.clock import SystemClock
from fleet.settings import FleetSettings
from helpers.ports import ServiceAuth

SESSION_NAME = "mfh-helpers"
# The longest that a role allows unless its owner says more; a backup that takes longer assumes it again.
SESSION_SECONDS = 3600
RENEWED_BEFORE = timedelta(minutes=5)

AwsKeys = dict[str, str]


class TenantRoles:
    """Credentials of assumed roles, kept until shortly before they expire."""

    def __init__(self, settings: FleetSettings, *, clock: SystemClock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._held: dict[tuple[str, str], tuple[AwsKeys, datetime]] = {}

    async def keys(self, auth: ServiceAuth) -> AwsKeys:
        """The arguments for a client in the role. Raises botocore's errors."""
        wanted = (auth.role_arn, auth.external_id)
        held = self._held.get(wanted)
        if held is None or held[1] - RENEWED_BEFORE <= self._clock.now():
            held = self._held[wanted] = await self._assume(*wanted)
        return held[0]

    async def _assume(self, role_arn: str, external_id: str) -> tuple[AwsKeys, datetime]:
        async with service_client(self._settings, "sts") as sts:
            answer = await sts.assume_role(
                RoleArn=role_arn,
                ExternalId=external_id,
                RoleSessionName=SESSION_NAME,
                DurationSeconds=SESSION_SECONDS,
            )
        issued = answer["Credentials"]
        keys = {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretAccessKey"],
            "aws_session_token": issued["SessionToken"],
        }
        return keys, issued["Expiration"]
