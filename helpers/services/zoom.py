"""Zoom API v2."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from helpers.errors import HelperError, PermanentFailure
from helpers.rules.config_types import to_number
from helpers.rules.http_outcomes import LONGEST_RETRY_AFTER_SECONDS
from helpers.services.client import ServiceClient

PAGE_SIZE = 300


@dataclass(frozen=True, slots=True)
class Attendance:
    """How much of a webinar somebody saw."""

    percent: float
    minutes: float


class Zoom(ServiceClient):
    """Meetings, webinars and their reports."""

    slug = "zoom"
    title = "Zoom"
    default_base = "https://api.zoom.us/v2"
    # A server-to-server app has no token of its own to store; every hour it fetches one.
    renews_first = True

    async def create(self, user_id: str, kind: str, event: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """Create a meeting or webinar of that user; ``kind`` is ``meetings`` or ``webinars``."""
        return await self.call_json("POST", self.url("users", user_id, kind), json=event, headers=headers)

    async def register(self, kind: str, event_id: str, person: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        """Register a person for a meeting or webinar; the same e-mail gets the same registrant again."""
        return await self.call_json("POST", self.url(kind, event_id, "registrants"), json=person, headers=headers)

    async def webinar_report(self, webinar_id: str) -> dict[str, Any]:
        """The report of a past webinar; ``duration`` is in minutes."""
        return await self.call_json("GET", self.url("report", "webinars", webinar_id))

    def participants(self, webinar_id: str) -> AsyncIterator[dict[str, Any]]:
        """Who was there, one entry for each visit; ``duration`` is in seconds."""
        return self._pages(self.url("report", "webinars", webinar_id, "participants"), "participants")

    async def attendance(self, webinar_id: str, email: str) -> Attendance | None:
        """What the report says about the person, all visits together; None where it does not name the address."""
        wanted = email.strip().casefold()
        report = await self.webinar_report(webinar_id)
        visits = [
            _amount(entry.get("duration"))
            async for entry in self.participants(webinar_id)
            if wanted and str(entry.get("user_email", "")).strip().casefold() == wanted
        ]
        if not visits:
            return None
        seconds, whole = sum(visits), _amount(report.get("duration")) * 60
        percent = min(100.0, 100 * seconds / whole) if whole > 0 else 0.0
        return Attendance(percent=round(percent, 1), minutes=round(seconds / 60, 1))

    def absentees(self, webinar_id: str) -> AsyncIterator[dict[str, Any]]:
        """The registrants who did not come."""
        return self._pages(self.url("past_webinars", webinar_id, "absentees"), "registrants")

    async def _pages(self, url: str, key: str) -> AsyncIterator[dict[str, Any]]:
        params = {"page_size": str(PAGE_SIZE)}
        while True:
            page = await self.call_json("GET", url, params=params)
            for entry in page.get(key) or ():
                if isinstance(entry, dict):
                    yield entry
            token = page.get("next_page_token")
            if not isinstance(token, str) or not token or token == params.get("next_page_token"):
                return
            params["next_page_token"] = token

    def failure(self, response: httpx.Response) -> HelperError:
        """A 429 of the daily limit is final: no backoff of a queue bridges it."""
        failure = super().failure(response)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS and self._is_daily_limit(response):
            return PermanentFailure(f"{failure} (daily limit)")
        return failure

    def _is_daily_limit(self, response: httpx.Response) -> bool:
        if response.headers.get("X-RateLimit-Type", "").strip().lower() == "daily-limit":
            return True
        try:
            # Zoom writes an ISO instant where HTTP has seconds or an HTTP date.
            retry_at = datetime.fromisoformat(response.headers.get("Retry-After", ""))
        except ValueError:
            return False
        retry_at = retry_at if retry_at.tzinfo else retry_at.replace(tzinfo=UTC)
        return (retry_at - self.ctx.clock.now()).total_seconds() > LONGEST_RETRY_AFTER_SECONDS


def _amount(value: Any) -> float:
    try:
        return float(to_number(value))
    except ValueError:
        return 0.0
