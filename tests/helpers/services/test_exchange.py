"""One bounded HTTP exchange."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from helpers.services.exchange import UnreadableRedirect, exchange


class Stream(httpx.AsyncByteStream):
    """A body of chunks that counts what was taken from it."""

    def __init__(self, chunk: bytes, count: int) -> None:
        self.chunk, self.count, self.taken, self.closed = chunk, count, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.count):
            self.taken += 1
            yield self.chunk

    async def aclose(self) -> None:
        self.closed = True


def client(answer: httpx.Response) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer), follow_redirects=True)


async def test_reading_stops_at_the_limit() -> None:
    """An endless body costs no memory, and the connection is given back."""
    body = Stream(b"x" * 1000, 1_000_000)
    async with client(httpx.Response(200, stream=body)) as http:
        answer = await exchange(http, http.build_request("GET", "https://a.example"), body_limit_bytes=2500)

    assert len(answer.content) == 2500
    assert body.taken == 3
    assert body.closed


async def test_a_redirect_is_an_answer() -> None:
    """Even where the client would follow it."""
    async with client(httpx.Response(302, headers={"Location": "https://b.example"})) as http:
        answer = await exchange(http, http.build_request("POST", "https://a.example"))

    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://b.example"


@pytest.mark.parametrize("location", ["http://[zz]/", "http://b.example:port/", "mailto:x", "http://xn--/", "/\x00"])
async def test_a_redirect_to_no_url_is_an_answer_too(location: str) -> None:
    """httpx, which reads the address in any case, reports a broken connection or worse."""
    async with client(httpx.Response(302, headers={"Location": location})) as http:
        with pytest.raises(UnreadableRedirect):
            await exchange(http, http.build_request("POST", "https://a.example"))


async def test_a_broken_answer_stays_what_it_is() -> None:
    """Only a redirect's address is read differently."""

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed connection", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(broken)) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await exchange(http, http.build_request("GET", "https://a.example"))


async def test_a_header_may_hold_any_bytes() -> None:
    """File names in particular are sent as UTF-8 or Latin-1."""
    named = [(b"Content-Disposition", "attachment; filename=über.pdf".encode()), (b"X-Latin", b"\xfc")]
    async with client(httpx.Response(200, headers=named, content=b"x")) as http:
        answer = await exchange(http, http.build_request("GET", "https://a.example"))

    assert [pair for pair in answer.headers.raw if pair in named] == named


@pytest.mark.parametrize("charset", ["utf-16", "hex", "rot13", "idna", "undefined", "no-such"])
async def test_a_charset_that_cannot_read_the_body_is_not_believed(charset: str) -> None:
    """It is read as UTF-8."""
    headers = {"Content-Type": f"text/plain; charset={charset}"}
    async with client(httpx.Response(500, headers=headers, content="ü".encode())) as http:
        answer = await exchange(http, http.build_request("GET", "https://a.example"))

    assert answer.text == "ü"


async def test_a_charset_that_reads_the_body_is_believed() -> None:
    """Latin-1 is still sent."""
    headers = {"Content-Type": "text/plain; charset=iso-8859-1"}
    async with client(httpx.Response(200, headers=headers, content=b"\xfc")) as http:
        answer = await exchange(http, http.build_request("GET", "https://a.example"))

    assert answer.text == "ü"


async def test_a_compressed_body_arrives_decoded_once() -> None:
    """The headers that described it on the wire are gone."""
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"plain"))
    async with client(answer) as http:
        received = await exchange(http, http.build_request("GET", "https://a.example"))

    assert received.content == b"plain"
    assert "Content-Encoding" not in received.headers


async def test_an_answer_that_takes_too_long_is_a_read_timeout() -> None:
    """httpx itself bounds single reads only."""

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as http:
        with pytest.raises(httpx.ReadTimeout):
            await exchange(http, http.build_request("GET", "https://a.example"), total_seconds=0.001)
