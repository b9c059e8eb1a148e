"""Trello API v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.ports import ServiceAuth
from helpers.services.client import ServiceClient


class Trello(ServiceClient):
    """Cards. ``api_key`` is the key of our application, ``api_secret`` the user's token."""

    slug = "trello"
    title = "Trello"
    default_base = "https://api.trello.com/1"

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.api_key and auth.api_secret)

    def authorization(self) -> dict[str, str]:
        credentials = f'oauth_consumer_key="{self.auth.api_key}", oauth_token="{self.auth.api_secret}"'
        return {"Authorization": f"OAuth {credentials}"}

    async def create_card(self, card: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Create a card from ``idList``, ``name`` and perhaps ``desc``."""
        return await self.call_json("POST", self.url("cards"), json=card, headers=headers)
