"""What a helper may reach outside itself: protocols that the worker, `run_helper` and `mfh run` implement.

Helpers import no AWS: durable state, child executions, mail and files come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from helpers.record import Record


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current instant, timezone-aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a fake clock returns at once and advances."""
        ...


@dataclass(frozen=True, slots=True)
class StateEntry:
    """A stored value and the version that a conditional write has to name."""

    value: dict[str, Any]
    version: int


class StateStore(Protocol):
    """Durable conditional key/value store, shared by all executions (DynamoDB in production).

    Values are JSON objects. ``ttl_seconds`` counts from the write; expired entries read as absent even when
    the store has not deleted them yet. Keys are scoped by the caller (start with account or helper id).
    """

    async def get(self, key: str) -> StateEntry | None:
        """The entry, or None. The read is consistent."""
        ...

    async def put(
        self, key: str, value: Mapping[str, Any], *, if_version: int | None = None, ttl_seconds: float | None = None
    ) -> StateEntry:
        """Write the value. ``if_version=0`` demands that no entry exists, ``n`` that it still has version n,
        None overwrites. Raises StateConflict when the condition fails."""
        ...

    async def increment(self, key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        """Add atomically to the counter of that key and return the sum. ``ttl_seconds`` is set on creation only."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the entry; absent is success."""
        ...


class ExecutionSpawner(Protocol):
    """Writes child executions."""

    async def spawn(self, child: Mapping[str, Any]) -> bool:
        """Store a child item (spec automation.md section 1) unless its execution_id is stored already.

        True when the child exists afterwards; False when its root has used its budget of 100 executions.
        """
        ...

    async def cancel(self, execution_id: str) -> bool:
        """Cancel a child that has not started; True when it is cancelled now."""
        ...


class StoredHelper(Record):
    """A helper as an account configured it."""

    helper_id: str
    helper_type: str
    account_id: str = ""
    short_key: str = ""
    connection_id: str = ""
    name: str = ""
    status: str = "active"
    enabled: bool = True
    config: dict[str, Any] = Field(default_factory=dict)

    @property
    def runnable(self) -> bool:
        """Whether it may be executed: active and not switched off."""
        return self.status == "active" and self.enabled


class HelperDirectory(Protocol):
    """Stored helpers of the running account."""

    async def resolve(self, identifier: str) -> StoredHelper | None:
        """By short key (<= 20 characters, no prefix), ``helper:<uuid>`` or bare uuid. Another account's is None."""
        ...


class MailMessage(Record):
    """An e-mail for the platform mailer. An empty ``to`` means the address of the account user."""

    subject: str
    text: str = ""
    html: str | None = None
    to: str = ""
    from_email: str = ""
    from_name: str = ""
    reply_to: str = ""
    idempotency_key: str = ""


class MailReceipt(Record):
    """What the mailer did: ``to`` is the address it really used."""

    message_id: str
    to: str


class Mailer(Protocol):
    """The platform mailer (Amazon SES v2 in production)."""

    async def is_verified(self, from_email: str) -> bool:
        """Whether the account may send as this address."""
        ...

    async def send(self, message: MailMessage) -> MailReceipt:
        """Send. Raises PermanentFailure (refused) or TransientFailure (throttled, outage)."""
        ...


class StoredFile(Record):
    """An artifact: ``reference`` is opaque and belongs to one account."""

    reference: str
    path: str
    size: int
    content_type: str
    sha256: str


class ArtifactStore(Protocol):
    """Files made or fetched by helpers (S3 in production). Paths start with the account id."""

    async def put(self, path: str, content: bytes | IO[bytes], content_type: str) -> StoredFile:
        """Store the content under the path, of a seekable file all of it; encrypted at rest."""
        ...

    async def open(self, reference: str) -> bytes:
        """The content. A reference of another account raises PermanentFailure."""
        ...


class BackupStore(Protocol):
    """Object storage that a tenant names (keap_backup)."""

    async def put(self, bucket: str, key: str, content: bytes, content_type: str, *, auth: ServiceAuth | None) -> None:
        """Write one encrypted object, with the tenant's credentials where given, else the platform's own."""
        ...


class Resolver(Protocol):
    """DNS. Raises TransientFailure on timeout and SERVFAIL."""

    async def mail_exchangers(self, domain: str) -> list[str]:
        """MX hosts in order of preference; ["."] is a null MX, [] means there is none."""
        ...

    async def addresses(self, host: str) -> list[str]:
        """A and AAAA records; [] when the name does not exist."""
        ...


class ServiceAuth(BaseModel):
    """Credentials of a third-party connection; a missing one is "". Never logged: the repr hides all of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    access_token: str = ""
    refresh_token: str = ""
    api_key: str = ""
    api_secret: str = ""
    base_url: str = ""
    account_id: str = ""
    # AWS only: a role of the tenant to assume instead of keys, and the id that its trust policy demands of us.
    role_arn: str = ""
    external_id: str = ""

    def __repr__(self) -> str:
        present = [name for name in type(self).model_fields if getattr(self, name)]
        return f"ServiceAuth({', '.join(present)} set)"

    __str__ = __repr__


class ServiceAuths(Protocol):
    """The service connections named by ``config.service_connection_ids``, of the running account only."""

    def get(self, slug: str) -> ServiceAuth:
        """The credentials; all empty when the service is not connected."""
        ...

    async def store(self, slug: str, auth: ServiceAuth) -> None:
        """Keep renewed tokens, before they are used."""
        ...


class OAuthClient(BaseModel):
    """The platform's own client at an OAuth2 provider."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    client_id: str = ""
    client_secret: str = Field(default="", repr=False)


class HelperSettings(BaseModel):
    """Platform settings that helpers see; operators set them, tenants never do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow_private_targets: bool = Field(
        default=False, description="Let targets be http, loopback and private. Tests only."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="host, host:port or CIDR exempt from the egress rule."
    )
    chain_max_depth: int = Field(default=5, ge=1, le=50, description="Deepest chain_it level that may spawn.")
    app_url: str = Field(default="https://app.myfusionhelper.ai", description="Base of links into the web application.")
    jwt_secret: str = Field(default="", repr=False, description="Platform key that signs countdown timers.")
    ip_api_key: str = Field(default="", repr=False, description="ip-api.com pro key; empty = free endpoint.")
    geoip_database: str = Field(default="", description="Path of a GeoLite2-City.mmdb; empty = use ip-api.com.")
    google_maps_api_key: str = Field(default="", repr=False, description="Geocoding and time zone look-ups.")
    klean13_api_key: str = Field(default="", repr=False, description="Platform key for e-mail validation.")
    facebook_api_version: str = Field(default="v23.0", description="Graph API version.")
    backup_buckets: tuple[str, ...] = Field(
        default=(), description="Buckets keap_backup may write with the platform's role."
    )
    upload_roots: tuple[str, ...] = Field(default=(), description="Local folders upload_it may read; none by default.")
    search_scan_limit: int = Field(default=10_000, ge=1, description="Contacts search_it looks at before it gives up.")
    user_agent: str = Field(default="MyFusionHelper/1.0", description="User-Agent of outgoing requests.")
    oauth_clients: dict[str, OAuthClient] = Field(default_factory=dict, description="slug -> OAuth2 client.")
