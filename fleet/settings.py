"""Settings every service shares. The environment is read here and nowhere else.

A service subclasses :class:`FleetSettings`; every field has its unit in the name, a default, bounds and one sentence.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleet import names
from helpers.errors import FieldProblem, MyFusionError


class SettingsRefused(MyFusionError):
    """The environment does not make a working configuration."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("settings refused: " + "; ".join(map(str, problems)))


class FleetSettings(BaseSettings):
    """What router, worker, api and the command line have in common."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    stage: str = Field(default="dev", pattern=r"^[a-z][a-z0-9]{1,19}$", description="Environment: dev, staging, prod.")
    aws_region: str = Field(default="us-west-2", description="Region of every table, queue and parameter.")
    aws_endpoint_url: str | None = Field(default=None, description="Endpoint of an emulator; unset = AWS itself.")

    connections_table: str = Field(default="", description="Table of CRM and service connections.")
    platform_connection_auths_table: str = Field(default="", description="Table of the credentials of connections.")
    executions_table: str = Field(default="", description="Table of executions; its stream feeds the router.")
    helpers_table: str = Field(default="", description="Table of configured helpers.")
    platforms_table: str = Field(default="", description="Table of platforms (slug, base URL).")
    api_keys_table: str = Field(default="", description="Table of API keys, hashed.")
    router_leases_table: str = Field(default="", description="Table of the router's shard leases.")
    state_table: str = Field(default="", description="Table of the helpers' durable state.")
    internal_secrets_param: str = Field(default="", description="SSM SecureString with the platform secrets (JSON).")
    oauth_credentials_param: str = Field(default="", description="SSM SecureString with the OAuth2 clients (JSON).")

    health_port: int = Field(default=0, ge=0, le=65535, description="Port of GET /healthz; 0 = no health endpoint.")
    health_host: str = Field(default="0.0.0.0", description="Address the health endpoint binds to.")  # noqa: S104 - a container's own network
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    log_format: Literal["json", "console"] = Field(default="json", description="json for machines, console for people.")
    metrics: bool = Field(default=True, description="Write CloudWatch EMF lines to standard output.")
    allow_private_targets: bool = Field(
        default=False, description="Let CRM and webhook targets be http and loopback. Tests only."
    )

    @model_validator(mode="before")
    @classmethod
    def _default_names(cls, data: dict[str, Any]) -> dict[str, Any]:
        stage = data.get("stage") or "dev"
        defaults = {
            "connections_table": names.table(stage, "connections"),
            "platform_connection_auths_table": names.table(stage, "platform-connection-auths"),
            "executions_table": names.table(stage, "executions"),
            "helpers_table": names.table(stage, "helpers"),
            "platforms_table": names.table(stage, "platforms"),
            "api_keys_table": names.table(stage, "api-keys"),
            "router_leases_table": names.table(stage, "router-leases"),
            "state_table": names.table(stage, "helper-state"),
            "internal_secrets_param": names.secrets_parameter(stage),
            "oauth_credentials_param": f"/myfusionhelper/{stage}/platforms/oauth/credentials",
        }
        return {**defaults, **{key: value for key, value in data.items() if value not in (None, "")}}

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Read the environment. Raises SettingsRefused, which names each variable and what to write instead."""
        try:
            return cls(**overrides)
        except ValidationError as exc:
            raise SettingsRefused(
                [
                    FieldProblem(".".join(map(str, error["loc"])).upper(), error["msg"].removeprefix("Value error, "))
                    for error in exc.errors(include_url=False, include_input=False)
                ]
            ) from None

    def redacted(self) -> dict[str, Any]:
        """The settings as they may be printed at start."""
        return {
            name: "***" if isinstance(value, SecretStr) and value.get_secret_value() else value
            for name, value in self.model_dump().items()
        }
