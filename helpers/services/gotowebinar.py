"""GoTo Webinar REST v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from helpers.ports import ServiceAuth
from helpers.rules.characters import read_json
from helpers.services.client import ServiceClient


class GoToWebinar(ServiceClient):
    """Registrations."""

    slug = "gotowebinar"
    title = "GoToWebinar"
    default_base = "https://api.getgo.com/G2W/rest/v2"

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.access_token or auth.api_key)

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.auth.access_token or self.auth.api_key}"}

    def registrants_url(self, organizer_key: str, webinar_key: str) -> str:
        """Where registrations of that webinar go, without the query string."""
        return self.url("organizers", organizer_key, "webinars", webinar_key, "registrants")

    async def register(
        self, url: str, registrant: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[dict[str, Any], bool]:
        """Register a person: the answer, and whether the person was registered already (409)."""
        response = await self.call(
            "POST",
            url,
            params={"resendConfirmation": "false"},
            json=registrant,
            headers={"Accept": "application/json", **headers},
            also_accept=(httpx.codes.CONFLICT,),
        )
        if response.is_success:
            return self.accepted(response), False
        try:
            answer = read_json(response.content)
        except ValueError:
            answer = {}
        return answer if isinstance(answer, dict) else {}, True
