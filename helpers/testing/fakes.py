"""In-memory ports for the test kit. They keep what went through them and never touch the outside."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from helpers.errors import PermanentFailure, StateConflict
from helpers.ports import (
    Clock,
    MailMessage,
    MailReceipt,
    ServiceAuth,
    StateEntry,
    StoredFile,
    StoredHelper,
)

CHILDREN_PER_ROOT = 100
USER_ADDRESS = "user@example.com"


class FakeClock:
    """Starts at a given instant; a sleep returns at once and advances it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The current instant."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


@dataclass(slots=True)
class _Stored:
    value: dict[str, Any]
    version: int
    expires_at: datetime | None


class FakeState:
    """`StateStore` in memory, with expiry on the run's clock. May be handed from run to run."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self._entries: dict[str, _Stored] = {}

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Everything stored, by key."""
        return {key: dict(stored.value) for key, stored in self._entries.items() if self._live(key)}

    def _live(self, key: str) -> _Stored | None:
        stored = self._entries.get(key)
        if stored and stored.expires_at and self.clock and stored.expires_at <= self.clock.now():
            return None
        return stored

    def _expiry(self, ttl_seconds: float | None) -> datetime | None:
        if ttl_seconds is None or self.clock is None:
            return None
        return self.clock.now() + timedelta(seconds=ttl_seconds)

    async def get(self, key: str) -> StateEntry | None:
        """The entry, or None."""
        stored = self._live(key)
        return StateEntry(dict(stored.value), stored.version) if stored else None

    async def put(
        self, key: str, value: Mapping[str, Any], *, if_version: int | None = None, ttl_seconds: float | None = None
    ) -> StateEntry:
        """Write on condition; raises StateConflict."""
        stored = self._live(key)
        current = stored.version if stored else 0
        if if_version is not None and if_version != current:
            raise StateConflict(f"state {key!r} is at version {current}, not {if_version}")
        self._entries[key] = _Stored(dict(value), current + 1, self._expiry(ttl_seconds))
        return StateEntry(dict(value), current + 1)

    async def increment(self, key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        """Add and return the sum."""
        stored = self._live(key)
        total = int(stored.value["counter"] if stored else 0) + by
        expires_at = stored.expires_at if stored else self._expiry(ttl_seconds)
        self._entries[key] = _Stored({"counter": total}, 1, expires_at)
        return total

    async def delete(self, key: str) -> None:
        """Remove the entry."""
        self._entries.pop(key, None)


class FakeSpawner:
    """Keeps the children of a run; each root has its budget."""

    def __init__(self) -> None:
        self.children: list[dict[str, Any]] = []
        self.cancelled: list[str] = []
        self._roots: Counter[str] = Counter()

    async def spawn(self, child: Mapping[str, Any]) -> bool:
        """Keep the child; False when the root's budget is used up."""
        if any(known["execution_id"] == child["execution_id"] for known in self.children):
            return True
        root = str(child.get("root_execution_id") or "")
        if self._roots[root] >= CHILDREN_PER_ROOT:
            return False
        self._roots[root] += 1
        self.children.append(dict(child))
        return True

    async def cancel(self, execution_id: str) -> bool:
        """Keep the order to cancel."""
        self.cancelled.append(execution_id)
        return True


class FakeDirectory:
    """Resolves the stored helpers of a fixture, those of the running account only."""

    def __init__(self, stored: Iterable[Mapping[str, Any]], account_id: str) -> None:
        self._account_id = account_id
        self._stored = [
            StoredHelper.model_validate(
                {
                    "account_id": account_id,
                    **{
                        key: value
                        for key, value in entry.items()
                        if key in StoredHelper.model_fields and value is not None
                    },
                }
            )
            for entry in stored
        ]

    async def resolve(self, identifier: str) -> StoredHelper | None:
        """By short key, full id or bare uuid."""
        identifier = identifier.strip()
        for helper in self._stored:
            if helper.account_id == self._account_id and identifier in (
                helper.helper_id,
                helper.short_key or None,
                helper.helper_id.removeprefix("helper:"),
            ):
                return helper
        return None


class FakeMailer:
    """Accepts everything; every sender is verified; an empty recipient is the user's address."""

    def __init__(self) -> None:
        self.mails: list[MailMessage] = []

    async def is_verified(self, from_email: str) -> bool:
        """Any address is."""
        return bool(from_email)

    async def send(self, message: MailMessage) -> MailReceipt:
        """Keep the mail."""
        sent = message.model_copy(update={"to": message.to or USER_ADDRESS})
        self.mails.append(sent)
        return MailReceipt(message_id=f"mail-{len(self.mails)}", to=sent.to)


class KeptFile(StoredFile):
    """A stored file and its content; ``bucket`` is set for backups."""

    content: bytes
    bucket: str = ""


class FakeFiles:
    """Keeps artifacts and backups in one list, in order."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self.files: list[KeptFile] = []

    async def put(self, path: str, content: bytes | AsyncIterable[bytes], content_type: str) -> StoredFile:
        """Keep an artifact."""
        data = content if isinstance(content, bytes) else b"".join([chunk async for chunk in content])
        return self._keep(f"artifact:{path}", path, data, content_type)

    async def open(self, reference: str) -> bytes:
        """An artifact of this account."""
        if not reference.removeprefix("artifact:").startswith(f"{self._account_id}/"):
            raise PermanentFailure(f"file {reference!r} does not belong to this account")
        for file in self.files:
            if file.reference == reference:
                return file.content
        raise PermanentFailure(f"file {reference!r} does not exist")

    def _keep(self, reference: str, path: str, data: bytes, content_type: str, bucket: str = "") -> KeptFile:
        kept = KeptFile(
            reference=reference,
            path=path,
            size=len(data),
            content_type=content_type,
            sha256=hashlib.sha256(data).hexdigest(),
            content=data,
            bucket=bucket,
        )
        self.files.append(kept)
        return kept


class FakeBackups:
    """Backup objects, kept among the files of the run."""

    def __init__(self, files: FakeFiles) -> None:
        self._files = files
        self.auths: list[ServiceAuth | None] = []

    async def put(self, bucket: str, key: str, content: bytes, content_type: str, *, auth: ServiceAuth | None) -> None:
        """Keep one object."""
        self.auths.append(auth)
        self._files._keep(f"s3://{bucket}/{key}", key, content, content_type, bucket)  # noqa: SLF001 - its other half


class FakeResolver:
    """Every name has a mail exchanger, except those under ``.invalid`` (RFC 2606), which do not exist."""

    async def mail_exchangers(self, domain: str) -> list[str]:
        """One exchanger, or none."""
        return [] if domain.endswith(".invalid") else [f"mx.{domain}"]

    async def addresses(self, host: str) -> list[str]:
        """One public address, or none."""
        return [] if host.endswith(".invalid") else ["93.184.215.14"]


class FakeServiceAuths:
    """The credentials of a fixture."""

    def __init__(self, auths: Mapping[str, Mapping[str, Any]]) -> None:
        self._auths = {slug: ServiceAuth.model_validate(dict(auth)) for slug, auth in auths.items()}
        self.stored: list[tuple[str, ServiceAuth]] = []

    def get(self, slug: str) -> ServiceAuth:
        """The credentials; all empty when the service is not connected."""
        return self._auths.get(slug, ServiceAuth())

    async def store(self, slug: str, auth: ServiceAuth) -> None:
        """Keep renewed tokens."""
        self._auths[slug] = auth
        self.stored.append((slug, auth))
