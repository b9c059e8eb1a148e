"""The WebinarJam API, which serves EverWebinar as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.errors import PermanentFailure
from helpers.ports import ServiceAuth
from helpers.services.client import ServiceClient


class WebinarJam(ServiceClient):
    """Live webinars. The API key travels in the body."""

    slug = "webinarjam"
    title = "WebinarJam"
    default_base = "https://api.webinarjam.com/webinarjam"

    @classmethod
    def has_credentials(cls, auth: ServiceAuth) -> bool:
        return bool(auth.api_key)

    def authorization(self) -> dict[str, str]:
        return {}

    @property
    def register_url(self) -> str:
        """Where registrations go."""
        return self.url("register")

    async def register(self, registration: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Register a person; the ``user`` of the answer."""
        user = (await self._post(self.register_url, registration, headers)).get("user")
        return user if isinstance(user, dict) else {}

    async def schedules(self, webinar_id: str | int) -> list[dict[str, Any]]:
        """The sessions that the webinar offers, next one first."""
        webinar = (await self._post(self.url("webinar"), {"webinar_id": webinar_id}, {})).get("webinar")
        schedules = webinar.get("schedules") if isinstance(webinar, dict) else None
        return [entry for entry in schedules if isinstance(entry, dict)] if isinstance(schedules, list) else []

    async def _post(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        answer = await self.call_json("POST", url, json={"api_key": self.auth.api_key, **body}, headers=headers)
        if answer.get("status") != "success":
            raise PermanentFailure(f"{self.title} did not answer with success: {self.excerpt(answer)}")
        return answer


class EverWebinar(WebinarJam):
    """Recorded webinars that run on a schedule."""

    slug = "everwebinar"
    title = "EverWebinar"
    default_base = "https://api.webinarjam.com/everwebinar"
