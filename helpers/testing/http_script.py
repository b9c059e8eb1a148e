"""A scripted HTTP transport: answers from a list of rules and records every request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class UnmatchedRequest(AssertionError):
    """A helper sent a request that no rule answers. Not an httpx error, so that no retry hides it."""


_ERRORS: Mapping[str, type[httpx.TransportError]] = {
    "timeout": httpx.ReadTimeout,
    "connect": httpx.ConnectError,
    "connect_timeout": httpx.ConnectTimeout,
    "reset": httpx.RemoteProtocolError,
}


class ScriptedTransport(httpx.AsyncBaseTransport):
    """``[{"match": {"method"?, "url_contains"?}, "reply": {"status", "json"? | "text"?, "headers"?} | {"error"}}]``.

    The first unused matching rule answers; the last matching one repeats.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = list(rules)
        self._used: set[int] = set()
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Record the request, its body included, and answer."""
        await request.aread()
        self.requests.append(request)
        matching = [index for index, rule in enumerate(self._rules) if _matches(rule.get("match") or {}, request)]
        if not matching:
            raise UnmatchedRequest(f"no rule answers {request.method} {request.url}")
        index = next((candidate for candidate in matching if candidate not in self._used), matching[-1])
        self._used.add(index)
        return _reply(self._rules[index]["reply"], request)


def _matches(match: Mapping[str, Any], request: httpx.Request) -> bool:
    method = match.get("method")
    part = match.get("url_contains")
    return (method is None or method.upper() == request.method) and (part is None or part in str(request.url))


def _reply(reply: Mapping[str, Any], request: httpx.Request) -> httpx.Response:
    if "error" in reply:
        error = _ERRORS.get(reply["error"], httpx.ConnectError)
        raise error(f"scripted {reply['error']}", request=request)
    headers = reply.get("headers")
    if "json" in reply:
        return httpx.Response(reply["status"], json=reply["json"], headers=headers, request=request)
    return httpx.Response(reply["status"], text=str(reply.get("text", "")), headers=headers, request=request)
