"""Orders of the Keap REST API v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from helpers.errors import HelperError, PermanentFailure, UnknownOutcome
from helpers.rules.http_outcomes import NoAnswer
from helpers.services.client import ServiceClient

REST_SUFFIXES = ("/crm/rest", "/crm/rest/v1", "/crm/rest/v2")
# The server may have made the order before it failed.
UNKNOWN_OUTCOME = frozenset({408, 425, *range(500, 600)}) - {503}


class KeapOrders(ServiceClient):
    """Creates orders. Money: what may have happened is never tried again."""

    slug = "keap"
    title = "Keap"
    default_base = "https://api.infusionsoft.com/crm/rest"

    @property
    def orders_url(self) -> str:
        """Orders exist in v1 only, while the platform is seeded with the v2 base."""
        for suffix in REST_SUFFIXES:
            if self.base.endswith(suffix):
                return f"{self.base.removesuffix(suffix)}/crm/rest/v1/orders"
        return self.url("orders")

    async def create(self, order: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Create the order. Retryable are connect errors, 429 and 503 only."""
        response = await self.call("POST", self.orders_url, json=order, headers=headers)
        try:
            return self.accepted(response)
        except PermanentFailure as exc:
            raise UnknownOutcome(f"{exc}; unknown outcome: the order may exist") from exc

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, request: Mapping[str, Any]
    ) -> httpx.Response:
        # Here and not around the call: an answer that a token renewal did not get says nothing about the order.
        try:
            return await super()._send(method, url, headers, request)
        except NoAnswer as exc:
            if exc.maybe_received:
                raise UnknownOutcome(f"{exc}; unknown outcome: the order may exist") from exc
            raise

    def failure(self, response: httpx.Response) -> HelperError:
        failure = super().failure(response)
        if response.status_code in UNKNOWN_OUTCOME:
            return UnknownOutcome(f"{failure}; unknown outcome: the order may exist")
        return failure
