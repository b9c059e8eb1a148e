"""The stores for files of helpers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import pytest

from fleet.helper_settings import HelperRuntimeSettings
from fleet.ports import files as file_stores
from fleet.ports.files import FolderArtifacts, S3Artifacts
from helpers.errors import PermanentFailure

CONTENT = b"0123456789" * 10


class FakeS3:
    """A bucket that keeps what was put into it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put_object(self, *, Key: str, Body: Any, **_: Any) -> None:  # noqa: N803 - S3 names them so
        self.objects[Key] = Body.read() if hasattr(Body, "read") else Body


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    bucket = FakeS3()

    @asynccontextmanager
    async def client(*_: Any, **__: Any) -> AsyncIterator[FakeS3]:
        yield bucket

    monkeypatch.setattr(file_stores, "service_client", client)
    return bucket


def spooled() -> IO[bytes]:
    """The content in a file that has left the memory, read to its end."""
    file = SpooledTemporaryFile(max_size=10)  # noqa: SIM115 - the test closes it
    file.write(CONTENT)
    return file


@pytest.mark.parametrize("make", [lambda: CONTENT, lambda: io.BytesIO(CONTENT), spooled])
async def test_bytes_and_files_are_stored_whole(make: Any, tmp_path: Path, s3: FakeS3) -> None:
    """A file from its beginning, wherever its position is; size and digest are those of the content."""
    settings = HelperRuntimeSettings(stage="dev", artifacts_bucket="b")
    for store in (FolderArtifacts(tmp_path, "acc"), S3Artifacts(settings, "acc")):
        content = make()
        stored = await store.put("acc/e/a.bin", content, "text/plain")
        if not isinstance(content, bytes):
            content.close()

        assert (stored.path, stored.size, stored.content_type) == ("acc/e/a.bin", 100, "text/plain")
        assert stored.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert await FolderArtifacts(tmp_path, "acc").open("file:acc/e/a.bin") == CONTENT
    assert s3.objects == {"acc/e/a.bin": CONTENT}


@pytest.mark.parametrize("path", ["other/e/a.bin", "acc/../other/a.bin", "acc"])
async def test_a_path_outside_the_account_is_refused(path: str, tmp_path: Path) -> None:
    """For writing and reading."""
    store = FolderArtifacts(tmp_path, "acc")

    with pytest.raises(PermanentFailure):
        await store.put(path, b"x", "text/plain")
    with pytest.raises(PermanentFailure):
        await store.open(f"file:{path}")
