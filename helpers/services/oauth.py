"""Renewal of OAuth tokens at the providers: integration spec C4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a provider exchanges a refresh token, and whether it takes our client id as Basic auth or in the form."""

    url: str
    basic: bool


TOKEN_ENDPOINTS: Mapping[str, TokenEndpoint] = {
    "calendly": TokenEndpoint("https://auth.calendly.com/oauth/token", basic=True),
    "dropbox": TokenEndpoint("https://api.dropboxapi.com/oauth2/token", basic=False),
    "google_sheets": TokenEndpoint("https://oauth2.googleapis.com/token", basic=False),
    "gotowebinar": TokenEndpoint("https://authentication.logmeininc.com/oauth/token", basic=True),
    "keap": TokenEndpoint("https://api.infusionsoft.com/token", basic=True),
    "zoom": TokenEndpoint("https://zoom.us/oauth/token", basic=True),
}
