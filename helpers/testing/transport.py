"""A recording HTTP transport that answers from a list of matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import httpx

from helpers.errors import MyFusionError

_FAILURES: Mapping[str, type[httpx.RequestError]] = {
    "timeout": httpx.ReadTimeout,
    "connect": httpx.ConnectError,
    "connect_timeout": httpx.ConnectTimeout,
    "read": httpx.ReadError,
    "protocol": httpx.RemoteProtocolError,
}


class UnmatchedRequest(MyFusionError):
    """A helper sent a request that the test did not expect. Not an httpx error: no retry may hide it."""


class RecordingTransport(httpx.AsyncBaseTransport):
    """Answers each request by the first unused match; the last match of a request repeats.

    An entry is ``{"match": {"method"?, "url_contains"?}, "reply": {"status"?, "json"? | "text"?, "headers"?} |
    {"error": "timeout" | "connect" | ...}}``. ``requests`` keeps every request, timed-out ones included.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]] = ()) -> None:
        self._entries = list(entries)
        self._used: set[int] = set()
        self.requests: list[httpx.Request] = []
        self.unmatched: UnmatchedRequest | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        matching = [index for index, entry in enumerate(self._entries) if _matches(entry.get("match") or {}, request)]
        if not matching:
            self.unmatched = UnmatchedRequest(f"no http entry matches {request.method} {request.url}")
            raise self.unmatched
        chosen = next((index for index in matching if index not in self._used), matching[-1])
        self._used.add(chosen)
        return _reply(self._entries[chosen].get("reply") or {}, request)


def _matches(match: Mapping[str, Any], request: httpx.Request) -> bool:
    method, part = match.get("method"), match.get("url_contains")
    url = str(request.url)
    return (method is None or method.upper() == request.method) and (
        part is None or part in url or part in unquote(url)
    )


def _reply(reply: Mapping[str, Any], request: httpx.Request) -> httpx.Response:
    if "error" in reply:
        raise _FAILURES.get(reply["error"], httpx.ConnectError)(
            f"{reply['error']} (as the test asked)", request=request
        )
    status, headers = reply.get("status", 200), reply.get("headers")
    if "json" in reply:
        return httpx.Response(status, headers=headers, json=reply["json"], request=request)
    return httpx.Response(status, headers=headers, text=reply.get("text", ""), request=request)
