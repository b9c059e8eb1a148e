"""Settings of the processes that run helpers, and the platform secrets that helpers may use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from fleet.settings import FleetSettings, SettingsRefused
from helpers.errors import FieldProblem
from helpers.ports import HelperSettings, OAuthClient

if TYPE_CHECKING:
    from types_aiobotocore_ssm.client import SSMClient


class HelperRuntimeSettings(FleetSettings):
    """What worker and api add so that helpers can run: where files and mails go, limits, public links."""

    artifacts_bucket: str = Field(default="", description="S3 bucket for files made by helpers.")
    artifacts_dir: str = Field(default="", description="Folder instead of S3 and SES, for laptops and tests.")
    sandbox_crm_path: str = Field(default="", description="SQLite file of the sandbox CRM; empty = no sandbox.")
    mail_from: str = Field(default="", description="Sender of platform mails, verified in SES.")
    users_table: str = Field(default="", description="Table of users; notify_me reads the user's address.")
    app_url: str = Field(default="https://app.myfusionhelper.ai", description="Base of links into the web application.")
    chain_max_depth: int = Field(default=5, ge=1, le=50, description="Deepest chain_it level that may spawn.")
    geoip_database: str = Field(default="", description="Path of a GeoLite2-City.mmdb; empty = ip-api.com.")
    facebook_api_version: str = Field(default="v23.0", pattern=r"^v\d+\.\d+$", description="Graph API version.")
    backup_buckets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Comma list of buckets that keap_backup may write with the platform's role."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Comma list of host, host:port or CIDR exempt from the egress rule."
    )
    upload_roots: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Comma list of local folders that upload_it may read; none by default."
    )
    search_scan_limit: int = Field(default=10_000, ge=1, description="Contacts search_it looks at before it gives up.")
    user_agent: str = Field(default="MyFusionHelper/1.0", min_length=1, description="User-Agent of outgoing requests.")

    @field_validator("backup_buckets", "allowed_hosts", "upload_roots", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def helper_settings(self, secrets: dict[str, Any], oauth_clients: dict[str, OAuthClient]) -> HelperSettings:
        """What helpers see: these settings and the platform secrets of SSM."""

        def secret(section: str, key: str = "api_key") -> str:
            value = secrets.get(section)
            return str(value.get(key) or "") if isinstance(value, dict) else str(value or "")

        return HelperSettings(
            allow_private_targets=self.allow_private_targets,
            allowed_hosts=self.allowed_hosts,
            chain_max_depth=self.chain_max_depth,
            app_url=self.app_url,
            jwt_secret=secret("jwt", "secret"),
            ip_api_key=secret("ip_api"),
            geoip_database=self.geoip_database,
            google_maps_api_key=secret("google_maps"),
            klean13_api_key=secret("klean13"),
            facebook_api_version=self.facebook_api_version,
            backup_buckets=self.backup_buckets,
            upload_roots=self.upload_roots,
            search_scan_limit=self.search_scan_limit,
            user_agent=self.user_agent,
            oauth_clients=oauth_clients,
        )


async def load_helper_settings(settings: HelperRuntimeSettings, ssm: SSMClient) -> HelperSettings:
    """Read the platform secrets once. A missing document counts as empty; one that is not JSON is refused."""
    secrets = await platform_secrets(settings, ssm)
    return settings.helper_settings(secrets, await load_oauth_clients(settings, ssm))


async def load_oauth_clients(settings: FleetSettings, ssm: SSMClient) -> dict[str, OAuthClient]:
    """The OAuth clients by slug (crm.md 6.2); {} when there are none."""
    clients = await _document(ssm, settings.oauth_credentials_param)
    return {slug: OAuthClient.model_validate(client) for slug, client in clients.items()}


async def platform_secrets(settings: FleetSettings, ssm: SSMClient) -> dict[str, Any]:
    """The secrets document by section (stripe, zoom, ...); {} when there is none."""
    return await _document(ssm, settings.internal_secrets_param)


async def _document(ssm: SSMClient, name: str) -> dict[str, Any]:
    try:
        answer = await ssm.get_parameter(Name=name, WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return {}
    try:
        document = json.loads(answer["Parameter"]["Value"])
    except ValueError:
        # The text is a secret: it must not be quoted in the error.
        raise SettingsRefused([FieldProblem(name, "store a JSON object in this SSM parameter")]) from None
    if not isinstance(document, dict):
        raise SettingsRefused([FieldProblem(name, "store a JSON object in this SSM parameter")])
    return document
