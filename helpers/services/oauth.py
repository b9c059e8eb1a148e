"""Renewal of OAuth tokens at the providers: integration spec C4."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import ServiceAuthRequired, StateConflict, TransientFailure
from helpers.ports import OAuthClient, ServiceAuth
from helpers.rules.http_outcomes import failure_of, json_object, send


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


def basic_authorization(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def is_server_to_server(slug: str, auth: ServiceAuth) -> bool:
    """Whether this is a Zoom app of the tenant's own, which gets tokens without a refresh token."""
    return slug == "zoom" and not auth.refresh_token and all((auth.account_id, auth.api_key, auth.api_secret))


def is_renewable(slug: str, auth: ServiceAuth) -> bool:
    """Whether there is anything to get a new access token with."""
    return slug in TOKEN_ENDPOINTS and (bool(auth.refresh_token) or is_server_to_server(slug, auth))


async def renew(ctx: HelperContext[Any], slug: str, auth: ServiceAuth) -> ServiceAuth:
    """New tokens, stored before they are handed back: some providers void the old refresh token at once.

    Raises ServiceAuthRequired when the provider refuses, TransientFailure when it cannot answer now.
    """
    endpoint = TOKEN_ENDPOINTS[slug]
    if is_server_to_server(slug, auth):
        client = OAuthClient(client_id=auth.api_key, client_secret=auth.api_secret)
        form = {"grant_type": "account_credentials", "account_id": auth.account_id}
    else:
        client = ctx.settings.oauth_clients.get(slug, OAuthClient())
        form = {"grant_type": "refresh_token", "refresh_token": auth.refresh_token}
    headers: dict[str, str] = {}
    if endpoint.basic:
        headers["Authorization"] = basic_authorization(client.client_id, client.client_secret)
    else:
        form |= {"client_id": client.client_id, "client_secret": client.client_secret}
    secrets = (auth.access_token, auth.refresh_token, client.client_secret, auth.api_key, auth.api_secret)
    service = f"{slug} (token renewal)"
    response = await send(ctx, "POST", endpoint.url, service=service, secrets=secrets, data=form, headers=headers)
    if not response.is_success:
        failure = failure_of(response, service, now=ctx.clock.now(), secrets=secrets)
        if failure.retryable:
            raise failure
        raise ServiceAuthRequired(f"{failure}; reconnect the service")
    answer = json_object(response, service)
    access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access_token, str) or not access_token:
        raise ServiceAuthRequired(f"{service} returned no access token; reconnect the service")
    renewed = auth.model_copy(
        update={
            "access_token": access_token,
            "refresh_token": refresh_token if isinstance(refresh_token, str) and refresh_token else auth.refresh_token,
        }
    )
    try:
        await ctx.service_auths.store(slug, renewed)
    except StateConflict as exc:
        # What is stored now is newer than ours; the next attempt loads it.
        raise TransientFailure(f"{service}: the connection was renewed by another run meanwhile") from exc
    return renewed
