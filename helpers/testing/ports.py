"""In-memory implementations of `helpers.ports`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import IO, Any

from pydantic_core import to_jsonable_python

from helpers.errors import PermanentFailure, StateConflict
from helpers.ports import MailMessage, MailReceipt, ServiceAuth, StateEntry, StoredFile, StoredHelper

DEFAULT_NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
USER_EMAIL = "user@example.com"
CHILDREN_PER_ROOT = 100


class FakeClock:
    """A clock that only sleeping moves."""

    def __init__(self, now: str | datetime | None = None) -> None:
        instant = datetime.fromisoformat(now) if isinstance(now, str) else now or DEFAULT_NOW
        self._now = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=max(seconds, 0))


class WrittenFile(StoredFile):
    """A file that went through the artifact or backup port, with its content; ``bucket`` is set for backups."""

    content: bytes
    bucket: str = ""


class RunState:
    """All that outlives a run: state entries, spawned executions, files. A StateStore in its own right."""

    def __init__(self) -> None:
        self.clock: FakeClock = FakeClock()
        self.children: dict[str, dict[str, Any]] = {}
        self.stored_files: dict[str, WrittenFile] = {}
        self._entries: dict[str, tuple[dict[str, Any], int, datetime | None]] = {}

    async def get(self, key: str) -> StateEntry | None:
        value, version, expires_at = self._entries.get(key, ({}, 0, None))
        if not version or (expires_at is not None and expires_at <= self.clock.now()):
            return None
        return StateEntry(to_jsonable_python(value), version)

    async def put(
        self, key: str, value: Mapping[str, Any], *, if_version: int | None = None, ttl_seconds: float | None = None
    ) -> StateEntry:
        current = await self.get(key)
        version = current.version if current else 0
        if if_version is not None and if_version != version:
            raise StateConflict(f"{key} has version {version}, not {if_version}")
        self._entries[key] = (to_jsonable_python(dict(value)), version + 1, self._expiry(ttl_seconds))
        return StateEntry(to_jsonable_python(dict(value)), version + 1)

    async def increment(self, key: str, by: int = 1, *, ttl_seconds: float | None = None) -> int:
        current = await self.get(key)
        count = int(current.value.get("count", 0) if current else 0) + by
        expires_at = self._entries[key][2] if current else self._expiry(ttl_seconds)
        self._entries[key] = ({"count": count}, (current.version if current else 0) + 1, expires_at)
        return count

    async def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    def _expiry(self, ttl_seconds: float | None) -> datetime | None:
        return None if ttl_seconds is None else self.clock.now() + timedelta(seconds=ttl_seconds)


class RecordingSpawner:
    """Keeps child items; a root has a budget of 100 executions, itself not counted."""

    def __init__(self, state: RunState) -> None:
        self._stored = state.children
        self.children: list[dict[str, Any]] = []

    async def spawn(self, child: Mapping[str, Any]) -> bool:
        item: dict[str, Any] = to_jsonable_python(dict(child))
        if item["execution_id"] not in self._stored:
            root = item.get("root_execution_id")
            if sum(other.get("root_execution_id") == root for other in self._stored.values()) >= CHILDREN_PER_ROOT:
                return False
            self._stored[item["execution_id"]] = item
        self.children.append(item)
        return True

    async def cancel(self, execution_id: str) -> bool:
        child = self._stored.get(execution_id)
        if child is None or child.get("status") not in ("queued", "scheduled"):
            return False
        child["status"] = "cancelled"
        return True


class FakeDirectory:
    """The stored helpers of the running account."""

    def __init__(self, stored: Iterable[Mapping[str, Any]], account_id: str) -> None:
        self._account_id = account_id
        self._stored = [
            StoredHelper.model_validate(
                {"account_id": account_id}
                | {key: value for key, value in entry.items() if key in StoredHelper.model_fields and value is not None}
            )
            for entry in stored
        ]

    async def resolve(self, identifier: str) -> StoredHelper | None:
        identifier = identifier.strip()
        for helper in self._stored:
            names = {helper.helper_id, helper.short_key, helper.helper_id.removeprefix("helper:")} - {""}
            if helper.account_id == self._account_id and identifier in names:
                return helper
        return None


class FakeMailer:
    """Accepts every mail; every sender counts as verified, and an empty recipient is the account user."""

    def __init__(self) -> None:
        self.mails: list[MailMessage] = []

    async def is_verified(self, from_email: str) -> bool:
        return bool(from_email)

    async def send(self, message: MailMessage) -> MailReceipt:
        sent = message.model_copy(update={"to": message.to or USER_EMAIL})
        self.mails.append(sent)
        return MailReceipt(message_id=f"message-{len(self.mails)}", to=sent.to)


class FakeFiles:
    """The artifact store; references belong to the account that their path starts with."""

    def __init__(self, state: RunState, account_id: str) -> None:
        self._stored = state.stored_files
        self._account_id = account_id
        self.files: list[WrittenFile] = []

    async def put(self, path: str, content: bytes | IO[bytes], content_type: str) -> StoredFile:
        if not isinstance(content, bytes):
            content.seek(0)
            content = content.read()
        return self.keep(f"artifact://{path}", path, content, content_type)

    async def open(self, reference: str) -> bytes:
        file = self._stored.get(reference)
        if file is None or not file.path.startswith(f"{self._account_id}/"):
            raise PermanentFailure(f"no artifact {reference!r} in this account")
        return file.content

    def keep(self, reference: str, path: str, content: bytes, content_type: str, bucket: str = "") -> StoredFile:
        """Record a file, also one of the backup port."""
        file = WrittenFile(
            reference=reference, path=path, size=len(content), content_type=content_type,
            sha256=sha256(content).hexdigest(), content=content, bucket=bucket,
        )  # fmt: skip
        self._stored[reference] = file
        self.files.append(file)
        return StoredFile.model_validate(file.model_dump(exclude={"content", "bucket"}))


class FakeBackups:
    """Backup objects; they are listed with the run's files."""

    def __init__(self, files: FakeFiles) -> None:
        self._files = files

    async def put(
        self,
        bucket: str,
        key: str,
        content: bytes,
        content_type: str,
        *,
        auth: ServiceAuth | None,  # noqa: ARG002 - no credentials are needed in memory
    ) -> None:
        self._files.keep(f"s3://{bucket}/{key}", key, content, content_type, bucket)


class FakeResolver:
    """Every name resolves to one public address, except those of the reserved top-level domain ``invalid``."""

    async def mail_exchangers(self, domain: str) -> list[str]:
        return [] if self._reserved(domain) else [f"mx.{domain}"]

    async def addresses(self, host: str) -> list[str]:
        return [] if self._reserved(host) else ["93.184.215.14"]

    @staticmethod
    def _reserved(name: str) -> bool:
        return name.rstrip(".").lower().endswith(".invalid")


class FakeServiceAuths:
    """Service credentials; missing services and keys are empty."""

    def __init__(self, auths: Mapping[str, Mapping[str, Any]]) -> None:
        self.auths = {
            slug: ServiceAuth.model_validate({key: str(value) for key, value in values.items() if value is not None})
            for slug, values in auths.items()
        }

    def get(self, slug: str) -> ServiceAuth:
        return self.auths.get(slug, ServiceAuth())

    async def store(self, slug: str, auth: ServiceAuth) -> None:
        self.auths[slug] = auth
