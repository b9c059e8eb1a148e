"""One bounded HTTP exchange with a third party: integration spec C2."""

from __future__ import annotations

import asyncio

import httpx

TOTAL_SECONDS = 30.0
BODY_LIMIT_BYTES = 1024 * 1024
# The body handed on is decoded and perhaps cut, so the headers that described it on the wire no longer hold.
WIRE_HEADERS = (b"content-encoding", b"content-length", b"transfer-encoding")


class UnreadableRedirect(httpx.RequestError):
    """A redirect to what is no URL. It is an answer, and as final as any other redirect (C3)."""


async def send(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send once; the body is still to be read and no redirect is followed.

    Raises httpx.TransportError, or UnreadableRedirect.
    """
    try:
        return await http.send(request, stream=True, follow_redirects=False)
    except (httpx.RemoteProtocolError, httpx.InvalidURL, UnicodeError) as exc:
        # httpx reads the address of a redirect even where it is not to follow it.
        if isinstance(exc, httpx.RemoteProtocolError) and not isinstance(exc.__context__, httpx.InvalidURL):
            raise
        raise UnreadableRedirect(f"a redirect to no valid URL: {exc}", request=request) from exc


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    total_seconds: float = TOTAL_SECONDS,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
) -> httpx.Response:
    """Send once, follow no redirect, and read at most ``body_limit_bytes`` of the answer.

    Raises httpx.TransportError or UnreadableRedirect; an answer that is not complete after ``total_seconds`` is a
    ReadTimeout.
    """
    try:
        async with asyncio.timeout(total_seconds):
            response = await send(http, request)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) >= body_limit_bytes:
                        break
            finally:
                await response.aclose()
    except TimeoutError as exc:
        raise httpx.ReadTimeout(f"no complete answer within {total_seconds:g} s", request=request) from exc
    # As bytes: a header may hold any, and httpx takes text in ASCII only.
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in WIRE_HEADERS]
    return _readable(
        httpx.Response(response.status_code, headers=headers, content=bytes(body[:body_limit_bytes]), request=request)
    )


def _readable(response: httpx.Response) -> httpx.Response:
    """The answer, as UTF-8 where the charset that it declares cannot read it: its text is asked for everywhere."""
    if response.charset_encoding not in (None, "utf-8"):
        try:
            response.text  # noqa: B018 - decodes the body
        except Exception:  # noqa: BLE001 - Python's codecs (utf-16 without its mark, hex, rot13, ...) raise anything
            response.encoding = "utf-8"
    return response
