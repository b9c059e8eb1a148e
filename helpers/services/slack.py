"""Slack: a text into a channel through the Web API, or through an incoming webhook."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure, ServiceAuthRequired, TransientFailure
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import DATA, call, json_object, retry_after_seconds

HOOK_HOST = "hooks.slack.com"
API = "https://slack.com/api"


async def post_to_hook(ctx: HelperContext[Any], hook_url: str, text: str, *, total_seconds: float) -> None:
    """Post the text to an incoming webhook, whose path is its credential.

    Raises PermanentFailure for a URL that is none of Slack's.
    """
    url = check_url(hook_url, ctx.settings)
    if url.scheme != "https" or url.host != HOOK_HOST:
        raise PermanentFailure(f"recipient: write a channel or an https://{HOOK_HOST}/... URL")
    await call(
        ctx,
        "POST",
        url,
        service="Slack",
        json={"text": text},
        secrets=[url.path],
        total_seconds=total_seconds,
        rule=DATA,
    )


async def post_to_channel(ctx: HelperContext[Any], channel: str, text: str, *, total_seconds: float) -> None:
    """Post the text to a channel of the connected Slack.

    Raises ServiceAuthRequired without a connection, TransientFailure for its rate limit, PermanentFailure otherwise.
    """
    auth = ctx.service_auths.get("slack")
    token = auth.access_token or auth.api_key
    if not token:
        raise ServiceAuthRequired("slack: connect Slack to post to a channel, or use a hook URL")
    response = await call(
        ctx,
        "POST",
        f"{auth.base_url.rstrip('/') or API}/chat.postMessage",
        service="Slack",
        json={"channel": channel, "text": text},
        headers={"Authorization": f"Bearer {token}"},
        secrets=[token],
        total_seconds=total_seconds,
        rule=DATA,
    )
    # The HTTP status is 200 even on failure.
    answer = json_object(response, "Slack")
    if answer.get("ok") is True:
        return
    error = str(answer.get("error") or "no reason given")
    if error in {"ratelimited", "rate_limited"}:
        wait = retry_after_seconds(response.headers, ctx.clock.now())
        raise TransientFailure("Slack limits the rate of messages", retry_after=wait)
    raise PermanentFailure(f"Slack refused the message: {error}")
