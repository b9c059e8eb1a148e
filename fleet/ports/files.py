"""Files of helpers: `helpers.ports.ArtifactStore` and `BackupStore` on S3, or on a folder for laptops and tests."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
from pathlib import Path, PurePosixPath
from typing import IO

from botocore.exceptions import BotoCoreError, ClientError

from fleet.aws import service_client
from fleet.helper_settings import HelperRuntimeSettings
from fleet.ports.tenant_roles import TenantRoles
from helpers.errors import PermanentFailure, TransientFailure
from helpers.ports import ServiceAuth, StoredFile

PIECE_BYTES = 1024 * 1024


def _checked(path: str, account_id: str) -> PurePosixPath:
    """The path, if it lies inside the account's part of the store. Raises PermanentFailure."""
    parts = PurePosixPath(path).parts
    if not account_id or parts[:1] != (account_id,) or ".." in parts or len(parts) < 2:
        raise PermanentFailure(f"file {path!r} does not belong to this account")
    return PurePosixPath(path)


class FolderArtifacts:
    """Artifacts of one account under a local folder."""

    def __init__(self, folder: Path, account_id: str) -> None:
        self._folder = folder
        self._account_id = account_id

    async def put(self, path: str, content: bytes | IO[bytes], content_type: str) -> StoredFile:
        """Write the file and return its reference."""
        target = self._folder / _checked(path, self._account_id)
        file = _as_file(content)
        await asyncio.to_thread(_write, target, file)
        return await asyncio.to_thread(_stored, f"file:{path}", path, file, content_type)

    async def open(self, reference: str) -> bytes:
        """Read a file of this account."""
        target = self._folder / _checked(reference.removeprefix("file:"), self._account_id)
        try:
            return await asyncio.to_thread(target.read_bytes)
        except FileNotFoundError as exc:
            raise PermanentFailure(f"file {reference!r} does not exist") from exc


class S3Artifacts:
    """Artifacts of one account in the platform's bucket, encrypted at rest."""

    def __init__(self, settings: HelperRuntimeSettings, account_id: str) -> None:
        self._settings = settings
        self._account_id = account_id

    async def put(self, path: str, content: bytes | IO[bytes], content_type: str) -> StoredFile:
        """Upload the file and return its reference."""
        key = str(_checked(path, self._account_id))
        file = _as_file(content)
        # Before the upload, because the client may close what it has sent.
        stored = await asyncio.to_thread(_stored, f"s3:{key}", path, file, content_type)
        file.seek(0)
        await _put_object(self._settings, self._bucket(), key, file, content_type, {})
        return stored

    async def open(self, reference: str) -> bytes:
        """Download a file of this account."""
        key = str(_checked(reference.removeprefix("s3:"), self._account_id))
        async with service_client(self._settings, "s3") as s3:
            try:
                answer = await s3.get_object(Bucket=self._bucket(), Key=key)
                content: bytes = await answer["Body"].read()
            except (ClientError, BotoCoreError) as exc:
                raise _failure(exc, f"reading {reference}") from exc
        return content

    def _bucket(self) -> str:
        if not self._settings.artifacts_bucket:
            raise PermanentFailure("no store for files is configured: set ARTIFACTS_BUCKET")
        return self._settings.artifacts_bucket


class FolderBackups:
    """Backup objects under a local folder: ``<folder>/backups/<bucket>/<key>``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "backups"

    async def put(self, bucket: str, key: str, content: bytes, content_type: str, *, auth: ServiceAuth | None) -> None:  # noqa: ARG002 - a folder has neither
        """Write one object."""
        if ".." in PurePosixPath(key).parts:
            raise PermanentFailure(f"backup key {key!r} leaves its folder")
        await asyncio.to_thread(_write, self._folder / bucket / key.lstrip("/"), io.BytesIO(content))


class S3Backups:
    """Backup objects in a bucket that a tenant or the platform owns."""

    def __init__(self, settings: HelperRuntimeSettings) -> None:
        self._settings = settings
        self._roles = TenantRoles(settings)

    async def put(self, bucket: str, key: str, content: bytes, content_type: str, *, auth: ServiceAuth | None) -> None:
        """Write one encrypted object, with the tenant's credentials where given and never with ours then."""
        keys = {} if auth is None else await self._keys(auth)
        await _put_object(self._settings, bucket, key, content, content_type, keys)

    async def _keys(self, auth: ServiceAuth) -> dict[str, str]:
        if auth.api_key and auth.api_secret:
            return {"aws_access_key_id": auth.api_key, "aws_secret_access_key": auth.api_secret}
        if not (auth.role_arn and auth.external_id):
            raise PermanentFailure("aws: the connection has neither keys nor a role with an external id")
        try:
            return await self._roles.keys(auth)
        except (ClientError, BotoCoreError) as exc:
            raise _failure(exc, f"assuming the role {auth.role_arn}") from exc


async def _put_object(
    settings: HelperRuntimeSettings,
    bucket: str,
    key: str,
    body: bytes | IO[bytes],
    content_type: str,
    keys: dict[str, str],
) -> None:
    async with service_client(settings, "s3", **keys) as s3:
        try:
            await s3.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, ServerSideEncryption="AES256"
            )
        except (ClientError, BotoCoreError) as exc:
            raise _failure(exc, f"writing to bucket {bucket}") from exc


def _failure(exc: ClientError | BotoCoreError, doing: str) -> Exception:
    if isinstance(exc, ClientError):
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = exc.response["Error"]["Code"]
        if 400 <= status < 500 and status != 429 and code not in {"SlowDown", "RequestTimeout"}:
            return PermanentFailure(f"{doing} was refused: {code}")
        return TransientFailure(f"{doing} failed: {code}")
    return TransientFailure(f"{doing} failed: {type(exc).__name__}")


def _as_file(content: bytes | IO[bytes]) -> IO[bytes]:
    return io.BytesIO(content) if isinstance(content, bytes) else content


def _write(target: Path, file: IO[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.seek(0)
    with target.open("wb") as copy:
        shutil.copyfileobj(file, copy)


def _stored(reference: str, path: str, file: IO[bytes], content_type: str) -> StoredFile:
    """What was stored; reads the file to its end, a piece at a time."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return StoredFile(
        reference=reference, path=path, size=file.tell(), content_type=content_type, sha256=digest.hexdigest()
    )
