"""The base of the third-party clients: base URL, credentials, renewal on 401, outcome of an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Container, Mapping
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx

from helpers.contract import HelperContext
from helpers.errors import HelperError, PermanentFailure, ServiceAuthRequired
from helpers.ports import ServiceAuth
from helpers.rules.http_outcomes import EXCERPT_CHARACTERS, failure_of, json_object, says_failure, send
from helpers.services.oauth import is_renewable, renew
from helpers.services.redaction import redact


class ServiceClient:
    """One third-party API with the credentials of one connection, for one run (integration spec C3, C4).

    A subclass says where the API is and how it wants its credentials, and has one method for each call that a
    helper makes. The constructor raises ServiceAuthRequired, so a helper that makes its client first sends and
    writes nothing without credentials.
    """

    slug: ClassVar[str]
    title: ClassVar[str]
    default_base: ClassVar[str]
    # Whether a connection that can be renewed may come without an access token.
    renews_first: ClassVar[bool] = False

    def __init__(self, ctx: HelperContext[Any], auth: ServiceAuth | None = None) -> None:
        self.ctx = ctx
        self.auth = auth or ctx.service_auths.get(self.slug)
        if not self.has_credentials(self.auth):
            raise ServiceAuthRequired(
                f"{self.title} is not connected, or its connection lacks a credential: reconnect the service"
            )

    @classmethod
    def if_connected(cls, ctx: HelperContext[Any]) -> Self | None:
        """The client, or None where the service is not connected."""
        return cls(ctx) if cls.has_credentials(ctx.service_auths.get(cls.slug)) else None

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        """Whether the connection holds what this API needs."""
        return bool(auth.access_token) or (cls.renews_first and is_renewable(cls.slug, auth))

    @property
    def base(self) -> str:
        """The API's base URL without a trailing slash; a base of the connection wins."""
        return (self.auth.base_url or self.default_base).rstrip("/")

    def url(self, *parts: str) -> str:
        """The base and the path parts, each percent-encoded."""
        return "/".join([self.base, *(quote(part, safe="") for part in parts)])

    def authorization(self) -> dict[str, str]:
        """The headers that carry the credentials."""
        return {"Authorization": f"Bearer {self.auth.access_token}"}

    def secrets(self) -> tuple[str, ...]:
        """What may not appear in any text that leaves this client."""
        auth = self.auth
        return tuple(filter(None, (auth.access_token, auth.refresh_token, auth.api_key, auth.api_secret)))

    def excerpt(self, answer: Mapping[str, Any]) -> str:
        """The beginning of what the API said, for an error message."""
        return redact(json.dumps(answer, ensure_ascii=False), self.secrets())[:EXCERPT_CHARACTERS]

    def failure(self, response: httpx.Response) -> HelperError:
        """The outcome of an answer that was not accepted; C3 unless the API has statuses of its own."""
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return ServiceAuthRequired(f"{self._generic_failure(response)}; reconnect the service")
        return self._generic_failure(response)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        also_accept: Container[int] = (),
        **request: Any,
    ) -> httpx.Response:
        """One request; the 2xx answer (or one of ``also_accept``), else the error of :meth:`failure`.

        A 401 renews the token once and repeats the request once, where the connection can be renewed.
        """
        fresh = False
        if self.renews_first and not self.auth.access_token:
            await self._renew()
            fresh = True
        response = await self._send(method, url, headers, request)
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh and is_renewable(self.slug, self.auth):
            await self._renew()
            response = await self._send(method, url, headers, request)
        if not response.is_success and response.status_code not in also_accept:
            raise self.failure(response)
        return response

    async def call_json(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        """As :meth:`call`; the JSON object of the answer."""
        return self.accepted(await self.call(method, url, **request))

    def accepted(self, response: httpx.Response) -> dict[str, Any]:
        """The JSON object of a 2xx answer. Raises PermanentFailure for one that says failure all the same (C3)."""
        answer = json_object(response, self.title)
        if says_failure(answer):
            raise PermanentFailure(
                f"{self.title} answered {response.status_code} with an error: {self.excerpt(answer)}"
            )
        return answer

    def _generic_failure(self, response: httpx.Response) -> HelperError:
        return failure_of(response, self.title, now=self.ctx.clock.now(), secrets=self.secrets())

    async def _renew(self) -> None:
        # Shielded: between the provider's answer and the write, a rotated token exists in this process only.
        renewal = asyncio.ensure_future(renew(self.ctx, self.slug, self.auth))
        try:
            self.auth = await asyncio.shield(renewal)
        except asyncio.CancelledError:
            await asyncio.wait({renewal})
            raise

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, request: Mapping[str, Any]
    ) -> httpx.Response:
        return await send(
            self.ctx, method, url, service=self.title, secrets=self.secrets(),
            headers={**(headers or {}), **self.authorization()}, **request,
        )  # fmt: skip
