"""DonorLead v2.1, the donor search of DonorSearch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from helpers.errors import PermanentFailure
from helpers.ports import ServiceAuth
from helpers.services.client import ServiceClient
from helpers.services.redaction import redact

# A shorter text is no real key, and masking it would hit innocent words.
SHORTEST_KEY = 6


class DonorLead(ServiceClient):
    """Donor ratings. The API key travels in the query string, so no URL of this client may be shown or logged."""

    slug = "donorlead"
    title = "DonorLead"
    default_base = "https://data.donorlead.net/v2.1"

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.api_key)

    def authorization(self) -> dict[str, str]:
        return {}

    async def search(self, person: Mapping[str, str]) -> dict[str, Any]:
        """The record of a person given by ``first``, ``last``, ``email``, ``phone``. Only a 200 counts."""
        response = await self.call("GET", f"{self.base}/", params={"api_key": self.auth.api_key, **person})
        if response.status_code != httpx.codes.OK:
            raise PermanentFailure(f"DonorLead answered {response.status_code}, not 200")
        return self.accepted(response)

    def without_key(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer as it may be shown: it may repeat the query."""
        key = self.auth.api_key
        if len(key) < SHORTEST_KEY:
            return answer
        shown: dict[str, Any] = json.loads(redact(json.dumps(answer), [key]))
        return shown
