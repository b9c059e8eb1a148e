"""From a platform slug to its connector. A vendor's module is imported when its first connection is used."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError, CrmErrorCode


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """What a connector is made of. The repr hides the credentials."""

    connection_id: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = ""
    account_id: str = ""


def build(slug: str, config: ConnectorConfig, client: httpx.AsyncClient, *, sandbox_path: str = "") -> CrmConnector:  # noqa: ARG001 - vendors take config and client
    """The connector of a connection. Raises CrmError (PLATFORM_NOT_FOUND) for a slug without one.

    ``sandbox_path`` comes from the operator's settings only: a connection must not name a file of the worker.
    """
    if slug == "sandbox" and sandbox_path:
        from helpers.crm.sandbox.connector import SandboxConnector
        from helpers.crm.sandbox.store import SandboxStore

        return SandboxConnector(SandboxStore(sandbox_path))
    raise CrmError(
        CrmErrorCode.PLATFORM_NOT_FOUND, f"there is no connector for platform {slug!r}", platform=slug, status_code=404
    )
