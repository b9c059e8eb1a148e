"""Downloads: what happens on a connection whose answer comes in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from helpers.errors import PermanentFailure, TransientFailure
from helpers.ports import HelperSettings
from helpers.rules.download import download

URL = "https://files.example.com/a.bin"


class Pieces(httpx.AsyncByteStream):
    """A body that counts how many of its pieces were asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.asked = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.asked += 1
            yield piece


def context(status: int, body: Pieces) -> Any:
    """A run whose only request is answered so, unread."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=body, request=request)

    return SimpleNamespace(
        http=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        settings=HelperSettings(),
        clock=SimpleNamespace(now=lambda: datetime(2026, 3, 1, tzinfo=UTC)),
    )


async def test_the_pieces_are_written_as_they_come() -> None:
    """A spooled file takes them, so a large one waits on disk."""
    with tempfile.SpooledTemporaryFile(max_size=3) as file:
        content_type = await download(context(200, Pieces(b"ab", b"cd")), URL, into=file, limit_bytes=4)
        file.seek(0)

        assert content_type == "application/octet-stream"
        assert file.read() == b"abcd"


async def test_reading_stops_at_the_limit() -> None:
    """What would go beyond it is not written."""
    body = Pieces(b"ab", b"cd", b"ef")
    with tempfile.SpooledTemporaryFile() as file:
        with pytest.raises(PermanentFailure, match="larger than"):
            await download(context(200, body), URL, into=file, limit_bytes=3)

        assert file.tell() == 2
    assert body.asked == 2


async def test_a_status_without_a_name_is_judged_all_the_same() -> None:
    """There is no reason phrase to quote, and the body was not read."""
    with tempfile.SpooledTemporaryFile() as file, pytest.raises(TransientFailure, match="520"):
        await download(context(520, Pieces(b"x")), URL, into=file, limit_bytes=3)
