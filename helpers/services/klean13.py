"""Klean13, e-mail validation."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.ports import ServiceAuth
from helpers.services.client import ServiceClient

TOTAL_SECONDS = 10.0


class Klean13(ServiceClient):
    """Single addresses. The platform's own key stands in where the account has no connection."""

    slug = "klean13"
    title = "Klean13"
    default_base = "https://app.klean13.com/api"

    def __init__(self, ctx: HelperContext[Any]) -> None:
        connection = ctx.service_auths.get(self.slug)
        key = connection.api_key or ctx.settings.klean13_api_key
        super().__init__(ctx, connection.model_copy(update={"api_key": key}))

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.api_key)

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.auth.api_key}"}

    async def validate(self, email: str) -> dict[str, Any]:
        """The verdict: ``email``, ``result``, ``reason``, ``deliverable``."""
        return await self.call_json(
            "POST", self.url("validate-one"), json={"email": email}, total_seconds=TOTAL_SECONDS
        )  # fmt: skip
