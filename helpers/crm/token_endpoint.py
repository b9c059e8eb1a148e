"""How each vendor renews an access token: one POST of a form (spec crm.md section 6.2)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from helpers.crm.dialect import json_of
from helpers.ports import OAuthClient
from helpers.services.redaction import redact


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a vendor renews. ``basic``: the client goes into Basic auth instead of the form."""

    url: str
    basic: bool = False
    form: Mapping[str, str] = field(default_factory=dict)

    def request(self, http: httpx.AsyncClient, client: OAuthClient, refresh_token: str) -> httpx.Request:
        """The request that spends the refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self.form}
        headers = {"Accept": "application/json"}
        if self.basic:
            pair = f"{client.client_id}:{client.client_secret}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        return http.build_request("POST", self.url, data=form, headers=headers)


TOKEN_ENDPOINTS: Mapping[str, TokenEndpoint] = {
    "keap": TokenEndpoint("https://api.infusionsoft.com/token", basic=True),
    "gohighlevel": TokenEndpoint(
        "https://services.leadconnectorhq.com/oauth/token", form={"user_type": "Location"}
    ),
    "hubspot": TokenEndpoint("https://api.hubapi.com/oauth/2026-03/token"),
}  # fmt: skip


def token_answer(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer, {} for anything else."""
    answer = json_of(response)
    return answer if isinstance(answer, Mapping) else {}


def error_of(response: httpx.Response, secrets: Iterable[str]) -> str:
    """The error code of an answer, else its status. Token endpoints may echo what was sent, even as the code."""
    code = token_answer(response).get("error")
    if isinstance(code, str) and code.replace("_", "").isalpha() and redact(code, secrets) == code:
        return code
    return f"HTTP {response.status_code}"
