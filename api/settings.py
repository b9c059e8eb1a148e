"""Settings of the API."""

from __future__ import annotations

from pydantic import Field

from fleet.helper_settings import HelperRuntimeSettings


class ApiSettings(HelperRuntimeSettings):
    """What the API adds to the shared settings."""

    api_host: str = Field(default="0.0.0.0", description="Address the API listens on.")  # noqa: S104 - a container's own network
    api_port: int = Field(default=8080, ge=1, le=65535, description="Port the API listens on.")
    api_max_body_bytes: int = Field(
        default=256 * 1024, ge=1024, le=390 * 1024, description="Largest request body; a stored item may hold 400 KB."
    )
    api_trusted_proxies: str = Field(
        default="127.0.0.1", description="Comma list of addresses whose X-Forwarded-For is believed; * = any."
    )
    api_drain_seconds: int = Field(default=20, ge=1, le=110, description="Time for open requests after SIGTERM.")
