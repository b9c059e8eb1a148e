"""slack_it: post a merged message to a Slack incoming webhook."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.characters import read_json
from helpers.rules.config_types import OptionalText, RequiredText
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import call, says_failure
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.templates import escape_slack, merge_fields, merge_with_at


class Config(HelperConfig):
    """The webhook and what is posted."""

    webhook: RequiredText = Field(description="Incoming-webhook URL.", json_schema_extra={"writeOnly": True})
    message: RequiredText = Field(description="Merge text: {{key}} and @key.")
    username: RequiredText = Field(description="Display name.")
    channel: OptionalText = Field(default=None, description="Channel; honoured by legacy webhooks only.")
    icon_emoji: OptionalText = Field(default=None, description="Icon; honoured by legacy webhooks only.")


class SlackIt(Helper[Config]):
    """Merged values are escaped for Slack, the template itself is not."""

    type = "slack_it"
    name = "Slack It"
    category = "integration"
    description = "Post a merged message to a Slack incoming webhook."
    idempotent = False
    external = True
    example = Example(
        config={
            "webhook": "https://hooks.slack.com/services/T0/B0/XXXX",
            "message": "New lead: @FirstName from {{company}}",
            "username": "Helpers",
        },
        crm={"contact": {"id": "c1", "first_name": "Ann", "company": "Acme & Sons"}},
        http=({"match": {"method": "POST"}, "reply": {"status": 200, "text": "ok"}},),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        message = merge_with_at(config.message, merge_fields(ctx.contact), escape=escape_slack)
        payload: dict[str, Any] = {"text": message, "username": config.username}
        if config.channel is not None:
            payload["channel"] = config.channel
        if config.icon_emoji is not None:
            payload["icon_emoji"] = config.icon_emoji
        url = _target(ctx)

        async def post() -> dict[str, Any]:
            response = await call(
                ctx,
                "POST",
                url,
                service="Slack",
                json=payload,
                headers=idempotency_headers(ctx),
                secrets=[config.webhook, url.path, *(part for part in url.path.split("/") if len(part) > 6)],
            )
            if says_failure(_json(response)):
                raise PermanentFailure(f"Slack answered {response.status_code} with an error")
            return {}

        await once(ctx, "slack message", post)
        shown = httpx.URL(config.webhook.strip())
        channel = config.channel or ""
        return HelperOutput.ok(
            "posted to Slack",
            modified_data={
                # The path is the credential.
                "webhook": f"{shown.scheme}://{shown.netloc.decode()}/***",
                "message": message,
                "username": config.username,
                "channel": channel,
                "payload": payload,
            },
            actions=[Action(type="slack_message_sent", target=channel, value="200")],
        )


def _json(response: httpx.Response) -> Any:
    """The answer's JSON; None for the plain ``ok`` of a webhook."""
    try:
        return read_json(response.content)
    except ValueError:
        return None


def _target(ctx: HelperContext[Config]) -> httpx.URL:
    """The checked webhook, on the host of the connected Slack where that is set."""
    url = check_url(ctx.config.webhook, ctx.settings)
    base = ctx.service_auths.get("slack").base_url
    if not base:
        return url
    override = httpx.URL(base)
    return url.copy_with(scheme=override.scheme, netloc=override.netloc)
