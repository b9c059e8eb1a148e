"""One account's HTTP client: authentication, rate limit, repetition, error mapping and redaction, once for all."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from helpers.crm.dialect import Dialect, json_of
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.paths import at
from helpers.crm.rate_limit import CallLimiter
from helpers.errors import TargetRefused
from helpers.ports import Clock
from helpers.services.exchange import UnreadableRedirect, exchange
from helpers.services.redaction import redact

TRIES = 4
CALL_SECONDS = 30.0
BODY_LIMIT_BYTES = 16 * 1024 * 1024
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LONGEST_SECONDS = 30.0
# What one call may wait in all; a longer wait belongs to the queue.
WAIT_LIMIT_SECONDS = 60.0
MESSAGE_CHARACTERS = 500

_REPEATABLE_METHODS = frozenset({"GET", "PUT", "PATCH", "DELETE"})
# Answers by which the vendor says that it has not looked at the request.
_NOT_APPLIED = frozenset({401, 423, 425, 429, 503})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# A repetition fails the same way: the request itself cannot be sent, or its answer is a redirect.
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnreadableRedirect)


class Credential(Protocol):
    """What authenticates the calls of one connection."""

    async def headers(self) -> Mapping[str, str]:
        """The headers of the next request."""
        ...

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401 for these headers: True when the next ones differ. Raises CrmError when that failed for good."""
        ...

    def secrets(self) -> Iterable[str]:
        """What must never appear in a text."""
        ...


def path(template: str, **parts: object) -> str:
    """The path with every part percent-encoded: ids and addresses come from outside."""
    return template.format(**{name: quote(str(value), safe="") for name, value in parts.items()})


@dataclass(frozen=True, slots=True)
class _Answer:
    json: dict[str, Any]


class Unreached(CrmError):
    """No connection was made, so the vendor has not seen the request."""


class VendorClient:
    """Sends the calls of one connection. Raises CrmError only."""

    def __init__(
        self,
        dialect: Dialect,
        credential: Credential,
        base_url: str,
        http: httpx.AsyncClient,
        clock: Clock,
        limiter: CallLimiter,
    ) -> None:
        self.dialect = dialect
        self.base_url = base_url.rstrip("/")
        self.clock = clock
        self._credential = credential
        self._http = http
        self._limiter = limiter

    async def get(self, url: str, **params: Any) -> dict[str, Any]:
        """The JSON of a GET; parameters that are None are left out."""
        return await self.call("GET", url, params=params)

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:
        """The JSON object of the answer, {} for an empty body or null.

        ``url`` is a path below the base URL, or absolute. ``repeatable``: sending it twice does no harm, which is
        assumed for every method but POST; others are repeated only when the first one was certainly not applied.
        """
        if not {".", ".."}.isdisjoint(url.split("/")):
            # The HTTP client would take them for steps in the path, and the call would be about something else.
            raise self.error(CrmErrorCode.NOT_FOUND, "an id of dots is none", status=404)
        harmless = method in _REPEATABLE_METHODS if repeatable is None else repeatable
        waited, tries, renewed, perhaps_applied = 0.0, 0, False, False
        while True:
            tries += 1
            headers = await self._credential.headers()
            outcome = await self._attempt(self._request(method, url, params, json, form, headers))
            if not isinstance(outcome, CrmError):
                return outcome.json
            if method == "DELETE" and perhaps_applied and outcome.code is CrmErrorCode.NOT_FOUND:
                # The try whose answer was lost has deleted it.
                return {}
            if outcome.code is CrmErrorCode.AUTH_EXPIRED and not renewed and await self._credential.renew(headers):
                renewed = True
                continue
            maybe_applied = outcome.status_code not in _NOT_APPLIED and not isinstance(outcome, Unreached)
            pause = max(outcome.retry_after or 0.0, self._backoff(tries))
            repeat = outcome.retryable and (harmless or not maybe_applied) and tries < TRIES
            if not repeat or waited + pause > WAIT_LIMIT_SECONDS:
                raise outcome
            waited += pause
            perhaps_applied = perhaps_applied or maybe_applied
            await self.clock.sleep(pause)

    def required(self, answer: Any, key: str) -> Any:
        """The value at a dotted path of a 2xx answer. Raises UPSTREAM where the vendor left it out."""
        value = at(answer, key)
        if value is None:
            raise self.error(CrmErrorCode.UPSTREAM, f"the answer has no {key}", status=200)
        return value

    def texts(self, record: Mapping[str, Any], key: str) -> list[str]:
        """A list of ids or names as text, [] where there is none. Raises UPSTREAM for anything else."""
        found = record.get(key) or []
        if not isinstance(found, list) or any(isinstance(entry, list | dict) for entry in found):
            raise self.error(CrmErrorCode.UPSTREAM, f"{key} of the answer is no list of texts", status=200)
        return [str(entry) for entry in found]

    def record(self, answer: Mapping[str, Any], key: str) -> dict[str, Any] | None:
        """The record of an answer, None where it has none. Raises UPSTREAM for anything else."""
        found = answer.get(key)
        if found is not None and not isinstance(found, dict):
            raise self.error(CrmErrorCode.UPSTREAM, f"{key} of the answer is no record", status=200)
        return found

    def records(self, answer: Mapping[str, Any], key: str, *, identifier: str = "id") -> list[dict[str, Any]]:
        """The records of a list answer, [] where it has none.

        Raises UPSTREAM unless they are objects with an ``identifier`` ("": any objects).
        """
        found = answer.get(key) or []
        if not isinstance(found, list) or not all(
            isinstance(entry, dict) and (not identifier or identifier in entry) for entry in found
        ):
            raise self.error(CrmErrorCode.UPSTREAM, f"{key} of the answer is no list of records", status=200)
        return found

    def error(self, code: CrmErrorCode, message: str, *, status: int = 0, retryable: bool = False) -> CrmError:
        """An error of this platform; credentials in the message are masked."""
        return CrmError(
            code, self._clean(message), platform=self.dialect.platform, status_code=status, retryable=retryable
        )

    def _backoff(self, tries: int) -> float:
        return min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** (tries - 1)) * random.random()

    def _request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        json: Any,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> httpx.Request:
        return self._http.build_request(
            method,
            url if url.startswith(("https://", "http://")) else self.base_url + url,
            params={name: value for name, value in (params or {}).items() if value is not None} or None,
            json=json,
            data=form,
            headers={"Accept": "application/json", **headers},
        )

    async def _attempt(self, request: httpx.Request) -> CrmError | _Answer:
        await self._limiter.acquire()
        what = f"{request.method} {request.url.path}"
        try:
            response = await exchange(
                self._http, request, total_seconds=CALL_SECONDS, body_limit_bytes=BODY_LIMIT_BYTES
            )
        except TargetRefused as exc:
            # The name leads to a private address: only the look-up shows it (section 8).
            return self.error(CrmErrorCode.FORBIDDEN, f"{what}: {exc}", status=403)
        except httpx.RequestError as exc:
            kind = Unreached if isinstance(exc, _NOT_SENT) else CrmError
            retryable = not isinstance(exc, _FINAL)
            text = self._clean(f"{what}: {type(exc).__name__}")
            return kind(CrmErrorCode.NETWORK, text, platform=self.dialect.platform, retryable=retryable)
        status = response.status_code
        if not response.is_success:
            code, retryable = self.dialect.failure(response)
            text = self.dialect.message(response)
            failed = self.error(code, f"{what}: {text}" if text else what, status=status, retryable=retryable)
            failed.retry_after = self.dialect.wait_seconds(response, self.clock.now())
            return failed
        if response.content.strip() in (b"", b"null"):
            return _Answer({})
        if len(response.content) >= BODY_LIMIT_BYTES:
            return self.error(CrmErrorCode.UPSTREAM, f"{what}: the answer is larger than 16 MiB", status=status)
        answer = json_of(response)
        if isinstance(answer, dict):
            return _Answer(answer)
        # A repeated read costs nothing; a write that was answered with HTML may have been applied.
        text = f"{what}: the answer is no JSON object"
        return self.error(CrmErrorCode.UPSTREAM, text, status=status, retryable=request.method == "GET")

    def _clean(self, message: str) -> str:
        return redact(message, self._credential.secrets())[:MESSAGE_CHARACTERS]
