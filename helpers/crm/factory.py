"""From a platform slug to its connector. A vendor's module is imported when its first connection is used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from helpers.crm.client import Credential, VendorClient
from helpers.crm.connector import CrmConnector
from helpers.crm.credentials import AccessTokens, BearerToken, FixedHeaders
from helpers.crm.dialect import Dialect
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.rate_limit import AllOf, CallLimiter, RateLimiter, SharedQuota
from helpers.errors import TargetRefused
from helpers.ports import Clock, HelperSettings, StateStore
from helpers.rules.egress import check_url


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """What a connector is made of. The repr hides the credentials.

    ``settings`` are the non-secret settings of the connection (list ids, subscription type ids, ...).
    """

    connection_id: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = ""
    account_id: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every credential that is set."""
        return tuple(
            value for value in (self.access_token, self.refresh_token, self.api_key, self.api_secret) if value
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vendor:
    """One row of the platform table. ``headers`` makes the API-key headers; ``bearer`` goes with OAuth tokens."""

    module: str
    name: str
    base_url: str = ""
    version_path: str = ""
    headers: Callable[[ConnectorConfig], Mapping[str, str]] = lambda config: {
        "Authorization": f"Bearer {config.access_token or config.api_key}"
    }
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ("api_key",)


VENDORS: Mapping[str, Vendor] = {
    "keap": Vendor(
        "helpers.crm.keap.connector", "KeapConnector", "https://api.keap.com/crm/rest/v2", "/v2",
        headers=lambda config: {"X-Keap-API-Key": config.api_key},
    ),
    "gohighlevel": Vendor(
        "helpers.crm.gohighlevel.connector", "GoHighLevelConnector", "https://services.leadconnectorhq.com",
        extra_headers={"Version": "2021-07-28"}, needs=("api_key", "account_id"),
    ),
    "activecampaign": Vendor(
        # The vendor says not to build the URL from the account name: the user gives it.
        "helpers.crm.activecampaign.connector", "ActiveCampaignConnector", version_path="/api/3",
        headers=lambda config: {"Api-Token": config.api_key},
    ),
    "ontraport": Vendor(
        "helpers.crm.ontraport.connector", "OntraportConnector", "https://api.ontraport.com/1",
        headers=lambda config: {"Api-Key": config.api_key, "Api-Appid": config.api_secret},
        needs=("api_key", "api_secret"),
    ),
    "hubspot": Vendor("helpers.crm.hubspot.connector", "HubSpotConnector", "https://api.hubapi.com"),
}  # fmt: skip


class _FixedToken:
    """A stored access token that nobody can renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self) -> str:
        """The token."""
        return self._token

    async def renewed(self, refused: str) -> str:
        """The same token: the 401 is final."""
        return refused


def build(
    slug: str,
    config: ConnectorConfig,
    client: httpx.AsyncClient,
    *,
    clock: Clock,
    settings: HelperSettings | None = None,
    tokens: AccessTokens | None = None,
    limiter: CallLimiter | None = None,
    sandbox_path: str = "",
) -> CrmConnector:
    """The connector of a connection.

    ``tokens`` renews an OAuth connection's access; without it a stored access token is used as it is. ``limiter``
    may be shared by connections of one account. ``sandbox_path`` comes from the operator's settings only: a
    connection must not name a file of the worker. Raises CrmError: PLATFORM_NOT_FOUND for a slug without a
    connector, NO_AUTH for missing credentials, FORBIDDEN for a base URL that is not https or not public.
    """
    if slug == "sandbox" and sandbox_path:
        from helpers.crm.sandbox.connector import SandboxConnector
        from helpers.crm.sandbox.store import SandboxStore

        return SandboxConnector(SandboxStore(sandbox_path), clock=clock)
    vendor = VENDORS.get(slug)
    config = _trimmed(slug, config)
    if vendor is None:
        raise CrmError(
            CrmErrorCode.PLATFORM_NOT_FOUND, f"there is no connector for platform {slug!r}",
            platform=slug, status_code=404,
        )  # fmt: skip
    connector = getattr(importlib.import_module(vendor.module), vendor.name)
    base_url = _base_url(slug, vendor, config, settings or HelperSettings())
    calls = VendorClient(
        connector.dialect,
        _credential(slug, vendor, config, tokens),
        base_url,
        client,
        clock,
        limiter or _limiter(connector.dialect, clock, oauth=tokens is not None),
    )
    built: CrmConnector = connector(calls, config.account_id, config.settings)
    return built


def rate_limiter(slug: str, clock: Clock, *, oauth: bool = False) -> CallLimiter | None:
    """A limiter with the vendor's published limits, to be shared by all connections of one account; None without."""
    dialect = _dialect(slug)
    return None if dialect is None else _limiter(dialect, clock, oauth=oauth)


def app_limiter(slug: str, client_id: str, state: StateStore, clock: Clock) -> CallLimiter | None:
    """What all customers of an OAuth client share, counted over all processes; None where the vendor has no such limit.

    One object per process: every one reserves calls of its own.
    """
    dialect = _dialect(slug)
    if dialect is None or not dialect.app_windows:
        return None
    key = f"crm-quota:{slug}:{client_id}"
    return AllOf(*(SharedQuota(slug, key, window, state, clock) for window in dialect.app_windows))


def _dialect(slug: str) -> Dialect | None:
    vendor = VENDORS.get(slug)
    if vendor is None:
        return None
    dialect: Dialect = getattr(importlib.import_module(vendor.module), vendor.name).dialect
    return dialect


def needs_account(slug: str) -> bool:
    """Whether the platform's connections do nothing without an account id (GoHighLevel's location)."""
    vendor = VENDORS.get(slug)
    return vendor is not None and "account_id" in vendor.needs


def rate_scope(slug: str, config: ConnectorConfig) -> str:
    """What the vendor counts calls by: its account, which ActiveCampaign names in the URL; else the connection."""
    vendor = VENDORS.get(slug)
    typed_url = config.base_url if vendor is not None and not vendor.base_url else ""
    return config.account_id or typed_url or config.connection_id


def _limiter(dialect: Dialect, clock: Clock, *, oauth: bool) -> RateLimiter:
    return RateLimiter((oauth and dialect.oauth_windows) or dialect.windows, clock)


def _trimmed(slug: str, config: ConnectorConfig) -> ConnectorConfig:
    """Credentials and URL without the blanks and line ends that come with pasting.

    What is left has to fit into a header; an exception of the HTTP client would quote it.
    """
    names = ("access_token", "refresh_token", "api_key", "api_secret", "account_id", "base_url")
    values = {name: getattr(config, name).strip() for name in names}
    for name in names[:4]:
        if not (values[name].isascii() and values[name].isprintable()):
            raise CrmError(
                CrmErrorCode.NO_AUTH, f"the connection's {name} holds characters that no key has: enter it again",
                platform=slug, status_code=400,
            )  # fmt: skip
    return replace(config, **values)


def _credential(slug: str, vendor: Vendor, config: ConnectorConfig, tokens: AccessTokens | None) -> Credential:
    if tokens is None and config.access_token:
        tokens = _FixedToken(config.access_token)
    missing = [
        name for name in vendor.needs if not getattr(config, name) and not (name == "api_key" and tokens is not None)
    ]
    if missing:
        raise CrmError(
            CrmErrorCode.NO_AUTH, f"the connection has no {' and no '.join(missing)}: reconnect it",
            platform=slug, status_code=400,
        )  # fmt: skip
    if tokens is not None:
        return BearerToken(tokens, vendor.extra_headers)
    return FixedHeaders({**vendor.headers(config), **vendor.extra_headers}, config.secrets)


def _base_url(slug: str, vendor: Vendor, config: ConnectorConfig, settings: HelperSettings) -> str:
    url = (config.base_url or vendor.base_url).rstrip("/")
    if not url:
        raise CrmError(
            CrmErrorCode.NO_AUTH, "the connection has no API URL: reconnect it", platform=slug, status_code=400
        )
    try:
        target = check_url(url, settings)
    except TargetRefused as exc:
        raise CrmError(CrmErrorCode.FORBIDDEN, f"API URL: {exc}", platform=slug, status_code=403) from exc
    if target.query or target.fragment:
        raise CrmError(
            CrmErrorCode.FORBIDDEN, "the API URL may have neither ? nor #: reconnect with the URL alone",
            platform=slug, status_code=403,
        )  # fmt: skip
    if target.scheme != "https" and not settings.allow_private_targets:
        raise CrmError(CrmErrorCode.FORBIDDEN, "the API URL has to be https", platform=slug, status_code=403)
    return url if url.endswith(vendor.version_path) else url + vendor.version_path
