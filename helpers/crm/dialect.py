"""How a vendor words trouble: status codes, rate-limit headers, error texts (spec crm.md section 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from helpers.crm.errors import CrmErrorCode
from helpers.rules.characters import read_json
from helpers.rules.http_outcomes import retry_after_seconds

# The table of section 2: status -> code, retryable.
_STATUS: Mapping[int, tuple[CrmErrorCode, bool]] = {
    401: (CrmErrorCode.AUTH_EXPIRED, False),
    402: (CrmErrorCode.FORBIDDEN, False),
    403: (CrmErrorCode.FORBIDDEN, False),
    404: (CrmErrorCode.NOT_FOUND, False),
    408: (CrmErrorCode.UPSTREAM, True),
    409: (CrmErrorCode.CONFLICT, False),
    423: (CrmErrorCode.UPSTREAM, True),
    425: (CrmErrorCode.UPSTREAM, True),
    429: (CrmErrorCode.RATE_LIMITED, True),
    501: (CrmErrorCode.UNSUPPORTED, False),
    505: (CrmErrorCode.UNSUPPORTED, False),
}
LOCKED_WAIT_SECONDS = 2.0
# A day quota that the vendor does not date: an hour later some of it may be back.
QUOTA_WAIT_SECONDS = 3600.0


def classify(status: int) -> tuple[CrmErrorCode, bool]:
    """The code of a status that is no success, and whether trying again may help."""
    if status in _STATUS:
        return _STATUS[status]
    if status >= 500:
        return CrmErrorCode.UPSTREAM, True
    return CrmErrorCode.VALIDATION, False


@dataclass(frozen=True, slots=True)
class Window:
    """A rate limit: ``calls`` per ``seconds``."""

    calls: int
    seconds: float


def _no_quota(_: httpx.Response) -> bool:
    return False


def _no_scope(_: httpx.Response) -> bool:
    return False


def _undated(_: httpx.Response, now: datetime) -> float:  # noqa: ARG001 - the interface
    return QUOTA_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's way of answering.

    ``wait_headers``: header -> seconds per unit of its number, honoured on 429. ``windows``: the vendor's published
    limits, held per account; ``oauth_windows`` where OAuth connections have others, ``app_windows`` where all customers
    of the OAuth client share some. ``quota_exhausted``: a 429 that only a new day ends; ``quota_wait``: the seconds
    until then. ``messages``: where the error text is in a JSON body, tried in order. ``extra_retryable``: statuses
    this vendor alone uses. ``scope_missing``: a 401 to a good token that may not do this.
    """

    platform: str
    windows: tuple[Window, ...]
    oauth_windows: tuple[Window, ...] = ()
    app_windows: tuple[Window, ...] = ()
    wait_headers: Mapping[str, float] = field(default_factory=dict)
    quota_exhausted: Callable[[httpx.Response], bool] = _no_quota
    quota_wait: Callable[[httpx.Response, datetime], float] = _undated
    messages: tuple[str, ...] = ("message", "error", "title")
    extra_retryable: frozenset[int] = frozenset()
    scope_missing: Callable[[httpx.Response], bool] = _no_scope

    def wait_seconds(self, response: httpx.Response, now: datetime) -> float | None:
        """How long the vendor asks to wait: Retry-After or its own header; None when it does not say."""
        waits = [retry_after_seconds(response.headers, now)] if "Retry-After" in response.headers else []
        if response.status_code == 429:
            waits += [_number(response.headers.get(name), unit) for name, unit in self.wait_headers.items()]
            if self.quota_exhausted(response):
                waits.append(self.quota_wait(response, now))
        if response.status_code == 423:
            waits.append(LOCKED_WAIT_SECONDS)
        return max((wait for wait in waits if wait is not None), default=None)

    def failure(self, response: httpx.Response) -> tuple[CrmErrorCode, bool]:
        """Code and retryability of an answer that is no success."""
        if response.status_code in self.extra_retryable:
            return CrmErrorCode.UPSTREAM, True
        if response.status_code == 429 and self.quota_exhausted(response):
            return CrmErrorCode.QUOTA_EXHAUSTED, True
        if response.status_code == 401 and self.scope_missing(response):
            return CrmErrorCode.FORBIDDEN, False
        return classify(response.status_code)

    def message(self, response: httpx.Response) -> str:
        """The vendor's own words, one line; "" for HTML and the like."""
        body = json_of(response)
        found = [_text(body.get(key)) for key in self.messages] if isinstance(body, Mapping) else []
        return " ".join(next((text for text in found if text), "").split())


def json_of(response: httpx.Response) -> Any:
    """The JSON of an answer; None for HTML, cut-off text and nesting that no parser follows."""
    try:
        return read_json(response.content)
    except ValueError:
        return None


def _number(value: str | None, unit: float) -> float | None:
    try:
        return None if value is None else float(value) * unit
    except ValueError:
        return None


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case [first, *_]:
            return _text(first)
        case Mapping():
            return _text(value.get("title") or value.get("message") or value.get("detail"))
        case _:
            return ""
