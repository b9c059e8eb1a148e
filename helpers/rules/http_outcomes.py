"""From an HTTP result to the outcome of a run: integration spec C3, and data D10 where a helper asks for it.

    response = await call(ctx, "POST", url, service="Twilio", json={...}, secrets=[token])
    answer = json_object(response, "Twilio")

A section with statuses of its own uses `helpers.services.exchange` and asks :func:`failure_of` for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from helpers.contract import HelperContext
from helpers.errors import HelperError, PermanentFailure, TransientFailure
from helpers.rules.characters import read_json
from helpers.services.exchange import TOTAL_SECONDS, UnreadableRedirect, exchange
from helpers.services.redaction import redact

# A service that wants a longer pause has a daily quota, which no backoff of a queue bridges.
LONGEST_RETRY_AFTER_SECONDS = 900.0
EXCERPT_CHARACTERS = 500
# ``status`` is also the state of a meeting or a registration, so only these words mean that the call failed.
FAILURE_WORDS = frozenset({"error", "fail", "failed", "failure"})

# A repetition fails the same way: the request itself cannot be sent, or its answer is a redirect.
FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnreadableRedirect)


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """Which answers are worth another attempt: every 5xx, some of the 4xx, unless they ask for too long a wait."""

    retryable_4xx: frozenset[int]
    longest_wait_seconds: float

    def retries(self, status: int) -> bool:
        """Whether an answer of that status may be better next time."""
        return status in self.retryable_4xx or status >= 500


INTEGRATION = OutcomeRule(frozenset({408, 425, 429}), LONGEST_RETRY_AFTER_SECONDS)
"""Integration spec C3."""
DATA = OutcomeRule(frozenset({429}), math.inf)
"""Data spec D10, which holds for data, notification and analytics: however long the wait, a 429 is transient."""


class NoAnswer(TransientFailure):
    """The service gave no complete answer.

    ``maybe_received``: the request may have arrived, so what it asks for may have happened.
    """

    def __init__(self, message: str | None = None, *, maybe_received: bool = True) -> None:
        super().__init__(message)
        self.maybe_received = maybe_received


async def call(
    ctx: HelperContext[Any],
    method: str,
    url: str | httpx.URL,
    *,
    service: str,
    secrets: Iterable[str] = (),
    total_seconds: float = TOTAL_SECONDS,
    rule: OutcomeRule = INTEGRATION,
    **request: Any,
) -> httpx.Response:
    """One request, one attempt; the 2xx answer, or the error that ``rule`` makes of it.

    ``secrets`` are masked in error texts. ``request``: headers, params, json, data, content, files of httpx.
    """
    response = await send(ctx, method, url, service=service, secrets=secrets, total_seconds=total_seconds, **request)
    if not response.is_success:
        raise failure_of(response, service, now=ctx.clock.now(), secrets=secrets, rule=rule)
    return response


async def send(
    ctx: HelperContext[Any],
    method: str,
    url: str | httpx.URL,
    *,
    service: str,
    secrets: Iterable[str] = (),
    total_seconds: float = TOTAL_SECONDS,
    **request: Any,
) -> httpx.Response:
    """One request, one attempt; the answer whatever its status. Raises NoAnswer or PermanentFailure."""
    headers = utf8_headers({"User-Agent": ctx.settings.user_agent, **request.pop("headers", {})})
    try:
        built = ctx.http.build_request(method, url, headers=headers, **request)
        return await exchange(ctx.http, built, total_seconds=total_seconds)
    except (httpx.RequestError, httpx.InvalidURL) as exc:
        raise transport_failure(exc, service, secrets=secrets) from exc


def utf8_headers(headers: Mapping[str, str]) -> httpx.Headers:
    """The headers as UTF-8 (C2): httpx takes ASCII only, and a key with an umlaut is the service's to refuse."""
    return httpx.Headers(headers, encoding="utf-8")


def transport_failure(exc: Exception, service: str, *, secrets: Iterable[str] = ()) -> HelperError:
    """The outcome of a request without an answer: retryable, unless a repetition fails the same way."""
    message = f"{service}: {told(exc, secrets)}"
    if isinstance(exc, FINAL):
        return PermanentFailure(message)
    connecting = isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return NoAnswer(message, maybe_received=not connecting)


def told(exc: Exception, secrets: Iterable[str] = ()) -> str:
    """What a request without an answer died of, for the user."""
    return f"{type(exc).__name__}: {redact(str(exc), secrets)}"[:EXCERPT_CHARACTERS]


def failure_of(
    response: httpx.Response,
    service: str,
    *,
    now: datetime,
    secrets: Iterable[str] = (),
    detail: str = "",
    rule: OutcomeRule = INTEGRATION,
) -> HelperError:
    """The outcome of an answer that is not 2xx. ``detail`` replaces the excerpt of the body in the message."""
    excerpt = redact(detail or response.text.strip(), [*secrets, *_credentials_of(response)])[:EXCERPT_CHARACTERS]
    message = f"{service} answered {response.status_code}" + (f": {excerpt}" if excerpt else "")
    if not rule.retries(response.status_code):
        return PermanentFailure(message)
    wait = retry_after_seconds(response.headers, now)
    if wait is not None and wait > rule.longest_wait_seconds:
        return PermanentFailure(f"{message} (asks to wait {wait:g} s)")
    return TransientFailure(message, retry_after=wait)


def is_retryable_status(status: int) -> bool:
    """408, 425, 429 and every 5xx (C3)."""
    return INTEGRATION.retries(status)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The Retry-After header, seconds or HTTP date, as seconds from ``now``; None when absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value) if value.replace(".", "", 1).isdecimal() else _seconds_until(value, now)
    except ValueError:
        return None
    return max(0.0, seconds)


def json_of(response: httpx.Response, service: str) -> Any:
    """The JSON body of a 2xx answer. Raises PermanentFailure for anything else (C3)."""
    try:
        return read_json(response.content)
    except ValueError as exc:
        raise PermanentFailure(f"{service} answered {response.status_code} without valid JSON") from exc


def json_object(response: httpx.Response, service: str) -> dict[str, Any]:
    """The JSON object in the body. Raises PermanentFailure for anything else."""
    answer = json_of(response, service)
    if not isinstance(answer, dict):
        raise PermanentFailure(f"{service} answered {response.status_code} without a JSON object")
    return answer


def says_failure(answer: Any) -> bool:
    """Whether the JSON of a 2xx answer says that the call failed all the same."""
    if not isinstance(answer, dict):
        return False
    status = answer.get("status")
    failed = isinstance(status, str) and status.strip().lower() in FAILURE_WORDS
    return failed or bool(answer.get("error")) or answer.get("ok") is False


def _seconds_until(http_date: str, now: datetime) -> float:
    instant = parsedate_to_datetime(http_date)
    return ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - now).total_seconds()


def _credentials_of(response: httpx.Response) -> list[str]:
    """The credentials our own request carried in its Authorization header: a service may echo them."""
    authorization = response.request.headers.get("Authorization", "")
    return [authorization, authorization.partition(" ")[2]] if authorization else []
