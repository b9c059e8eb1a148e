"""How hook_it delivers a webhook: URL, body, authentication and its own attempts (spec hook_it, "Sending")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import httpx
from pydantic import Field, field_validator

from helpers.contract import Action, HelperConfig, HelperContext
from helpers.errors import HelperError
from helpers.rules.config_types import LooseFlag, OptionalText, WholeNumber, blank_is_default
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import FINAL, is_retryable_status, retry_after_seconds, told, utf8_headers
from helpers.rules.steps import idempotency_headers
from helpers.rules.templates import merge_fields, merge_url
from helpers.services.exchange import exchange
from helpers.services.oauth import basic_authorization
from helpers.services.redaction import redact

LONGEST_WAIT_SECONDS = 30.0
LONGEST_LOOP_SECONDS = 120.0
SHOWN_RESPONSE_CHARACTERS = 10_000
GET_PARAMETERS = ("contact_id", "account_id", "helper_id", "timestamp")
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OUR_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})

Attempts = Annotated[WholeNumber, blank_is_default]


class DeliveryConfig(HelperConfig):
    """Authentication and attempts; every mode that sends has them."""

    auth_type: Annotated[Literal["none", "bearer", "basic", "api_key", "hmac"], blank_is_default] = Field(
        default="none", description="How requests are authenticated."
    )
    auth_token: OptionalText = Field(
        default=None, description="Secret of bearer and api_key.", json_schema_extra={"writeOnly": True}
    )
    auth_username: OptionalText = Field(
        default=None, description="User of basic.", json_schema_extra={"writeOnly": True}
    )
    auth_password: OptionalText = Field(
        default=None, description="Password of basic.", json_schema_extra={"writeOnly": True}
    )
    auth_header_name: Annotated[str, blank_is_default] = Field(default="X-API-Key", description="Header of api_key.")
    hmac_secret: OptionalText = Field(default=None, description="Key of hmac.", json_schema_extra={"writeOnly": True})
    retry_enabled: Annotated[LooseFlag, blank_is_default] = Field(default=True, description="Try again on failure.")
    retry_max_attempts: Attempts = Field(default=3, description="Attempts in all, between 1 and 10.")

    @field_validator("auth_header_name")
    @classmethod
    def _header_token(cls, value: str) -> str:
        name = value.strip()
        if not set(name) <= _TOKEN or name.lower() in _OUR_HEADERS:
            raise ValueError("write the name of a header, not Host, Content-Length, Transfer-Encoding or Connection")
        return name

    @property
    def missing_secret(self) -> str | None:
        """The key that the chosen authentication needs and does not have."""
        needed = {"bearer": "auth_token", "api_key": "auth_token", "basic": "auth_username", "hmac": "hmac_secret"}
        key = needed.get(self.auth_type)
        return key if key is not None and not (getattr(self, key) or "").strip() else None

    @property
    def attempts(self) -> int:
        """How often a webhook is sent at most."""
        return max(1, min(10, self.retry_max_attempts)) if self.retry_enabled else 1

    def secrets(self) -> list[str]:
        """What must not show up in texts; an echo of basic holds user and password as one text."""
        pair = f"{self.auth_username}:{self.auth_password or ''}" if self.auth_type == "basic" else ""
        return [value for value in (self.auth_token, self.auth_password, self.hmac_secret, pair) if value]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one webhook. ``url`` is shown: merged, without the parameters that GET adds.

    ``response`` is what outputs show; ``body`` is the whole answer, and ``found`` the (field, value) pairs in it.
    """

    url: str
    method: str
    attempts: int
    status: int | None = None
    response: str = ""
    error: str = ""
    body: str = field(default="", repr=False)
    found: list[tuple[str, Any]] = field(default_factory=list, repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def report(self) -> dict[str, Any]:
        """The keys that modes v2 to v4 publish."""
        report: dict[str, Any] = {"webhook_url": self.url, "webhook_attempts": self.attempts}
        if self.status is None:
            return report | {"error": self.error}
        return report | {"webhook_status_code": self.status, "webhook_response": self.response}

    def actions(self) -> list[Action]:
        """One action whenever a response arrived, whatever its status."""
        if self.status is None:
            return []
        return [Action(type="webhook_called", target=self.url, value=str(self.status))]


def encode(payload: Mapping[str, Any]) -> bytes:
    """The body as it is sent and signed."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, default=str).encode()


async def deliver(
    ctx: HelperContext[Any],
    config: DeliveryConfig,
    url_template: str,
    method: str,
    payload: Mapping[str, Any],
    *,
    index: int | None = None,
) -> Delivery:
    """Send until it succeeds, fails for good, or the attempts are used up; the same key, body and time for each.

    Never raises for the target: a refused URL or a broken connection is a failed Delivery without a status.
    """
    url = merge_url(url_template, merge_fields(ctx.contact)).strip()
    try:
        target = check_url(url, ctx.settings)
    except HelperError as exc:
        return Delivery(url, method, 0, error=str(exc))
    body = b"" if method == "GET" else encode(payload)
    if method == "GET":
        target = _with_parameters(target, {name: str(payload[name]) for name in GET_PARAMETERS if name in payload})
    headers = _headers(ctx, config, method, body, int(payload["timestamp"]), index)
    started = ctx.clock.now()
    attempt = 0
    while True:
        attempt += 1
        delivery, wait = await _attempt(ctx, config, url, method, target, headers, body, attempt)
        if wait is None or attempt >= config.attempts:
            return delivery
        pause = min(LONGEST_WAIT_SECONDS, max(2.0 ** (attempt - 1), wait))
        if (ctx.clock.now() - started).total_seconds() + pause > LONGEST_LOOP_SECONDS:
            return delivery
        ctx.log(f"webhook attempt {attempt} failed, next in {pause:g} s")
        await ctx.clock.sleep(pause)


def _with_parameters(url: httpx.URL, parameters: Mapping[str, str]) -> httpx.URL:
    """The URL with the parameters that it lacks. Its own query stays byte for byte: it may be signed."""
    added = urlencode({name: value for name, value in parameters.items() if name not in url.params})
    return url.copy_with(query="&".join(filter(None, (url.query.decode("ascii"), added))).encode() or None)


async def _attempt(
    ctx: HelperContext[Any],
    config: DeliveryConfig,
    url: str,
    method: str,
    target: httpx.URL,
    headers: Mapping[str, str],
    body: bytes,
    attempt: int,
) -> tuple[Delivery, float | None]:
    """One attempt, and how long the receiver asks to wait; None when another attempt cannot help."""
    try:
        request = ctx.http.build_request(method, target, headers=utf8_headers(headers), content=body or None)
        response = await exchange(ctx.http, request)
    except HelperError as exc:  # the transport refused the address behind the name
        return Delivery(url, method, attempt, error=str(exc)), None
    except (httpx.RequestError, httpx.InvalidURL) as exc:
        text = told(exc, config.secrets())
        return Delivery(url, method, attempt, error=text), None if isinstance(exc, FINAL) else 0.0
    text = redact(response.text, config.secrets())[:SHOWN_RESPONSE_CHARACTERS]
    delivery = Delivery(url, method, attempt, status=response.status_code, response=text, body=response.text)
    if delivery.succeeded or not is_retryable_status(response.status_code):
        return delivery, None
    return delivery, retry_after_seconds(response.headers, ctx.clock.now()) or 0.0


def _headers(
    ctx: HelperContext[Any], config: DeliveryConfig, method: str, body: bytes, timestamp: int, index: int | None
) -> dict[str, str]:
    headers = {
        "User-Agent": ctx.settings.user_agent,
        "X-Helper-Id": ctx.helper_id,
        **idempotency_headers(ctx, index),
    }
    if method != "GET":
        headers["Content-Type"] = "application/json"
    match config.auth_type:
        case "bearer":
            headers["Authorization"] = f"Bearer {config.auth_token}"
        case "basic":
            headers["Authorization"] = basic_authorization(config.auth_username or "", config.auth_password or "")
        case "api_key":
            headers[config.auth_header_name] = str(config.auth_token)
        case "hmac":
            headers |= _signatures(str(config.hmac_secret), body, timestamp)
        case "none":
            pass
    return headers


def _signatures(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The earlier platform's signature, and one that a replay cannot reuse."""
    plain = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    dated = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "X-Signature": base64.b64encode(plain).decode(),
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": f"t={timestamp},v1={dated}",
    }
