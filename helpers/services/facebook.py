"""Meta Graph API."""

from __future__ import annotations

from typing import Any

import httpx

from helpers.errors import HelperError, PermanentFailure, TransientFailure
from helpers.rules.characters import read_json
from helpers.rules.http_outcomes import is_retryable_status, retry_after_seconds
from helpers.services.client import ServiceClient

# Unknown or temporary trouble, and the throttles of application, user, page and account.
TRANSIENT_CODES = frozenset({1, 2, 4, 17, 32, 341, 613})


class Facebook(ServiceClient):
    """Lead ads."""

    slug = "facebook"
    title = "Facebook"
    default_base = "https://graph.facebook.com"

    async def lead(self, lead_id: str) -> dict[str, Any]:
        """The lead with ``id``, ``created_time``, ``field_data`` and ``form_id``."""
        version = self.ctx.settings.facebook_api_version
        response = await self.call(
            "GET", self.url(version, lead_id), params={"fields": "id,created_time,field_data,form_id"}
        )
        if _error_of(response):
            raise self.failure(response)
        return self.accepted(response)

    def failure(self, response: httpx.Response) -> HelperError:
        """The error object of the body decides, whatever the status says."""
        error = _error_of(response)
        if error.get("code") in TRANSIENT_CODES or error.get("is_transient") is True:
            wait = retry_after_seconds(response.headers, self.ctx.clock.now())
            return TransientFailure(f"Facebook cannot answer now: {self.excerpt(error)}", retry_after=wait)
        if error and not is_retryable_status(response.status_code):
            return PermanentFailure(f"Facebook refused: {self.excerpt(error)}")
        return super().failure(response)


def _error_of(response: httpx.Response) -> dict[str, Any]:
    try:
        error = read_json(response.content).get("error")
    except (ValueError, AttributeError):
        return {}
    return error if isinstance(error, dict) else {}
