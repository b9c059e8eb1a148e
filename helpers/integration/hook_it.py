"""hook_it: goals in, webhooks out, conditional payloads, batches and tag events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError
from helpers.integration.hook_batch import call_batch
from helpers.integration.hook_call import call_webhook, call_with_built_payload, send
from helpers.integration.hook_config import Config
from helpers.integration.hook_payload import envelope
from helpers.rules.effects import Effects
from helpers.rules.event_data import lookup
from helpers.rules.text import to_text

DEFAULT_GOALS = {"contact.add": "newcontact", "invoice.add": "newinvoice", "order.add": "neworder"}


class HookIt(Helper[Config]):
    """Its own attempts are the retry budget: a webhook that failed them all is a failed output, not a retry."""

    type = "hook_it"
    name = "Hook It Enhanced"
    category = "integration"
    description = "Five-mode webhook helper: goals in, webhooks out, conditional, batch, tag events."
    idempotent = False
    external = True
    # The attempts may take two minutes.
    timeout_seconds = 180.0
    example = Example(
        config={"mode": "v2", "webhook_url": "https://hooks.example.com/contacts/{{id}}", "auth_type": "none"},
        crm={"contact": {"id": "c1", "first_name": "Ann", "email": "ann@example.com"}},
        http=({"match": {"method": "POST"}, "reply": {"status": 200, "json": {"ok": True}}},),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        modes: dict[str, Callable[[HelperContext[Config]], Awaitable[HelperOutput]]] = {
            "basic": _fire_goals,
            "v2": call_webhook,
            "v3": call_with_built_payload,
            "v4": call_batch,
            "by_tag": _follow_tag,
        }
        return await modes[ctx.config.mode](ctx)


async def _fire_goals(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    event = to_text(lookup(ctx, "hook_action", "event_key", config_keys=["hook_action"])).strip()
    actions: list[Action] = []
    if event and (config.hook_action is None or config.hook_action == event):
        stem = config.goal_prefix or DEFAULT_GOALS.get(event, event)
        actions.append(await ctx.achieve_goal(f"{stem}{ctx.helper_id}"))
    effects = Effects(ctx)
    for entry in config.actions:
        match entry:
            case {"event": str(wanted), "goal_name": str(goal)} if wanted and goal and event in ("", wanted):
                await effects.attempt(f"goal {goal}", ctx.achieve_goal(goal))
    if not actions:
        effects.raise_if_all_failed()
    actions += effects.actions
    return HelperOutput.ok(
        f"{len(actions)} goals", modified_data={"hook_action": event, "goals_fired": len(actions)}, actions=actions
    )


async def _follow_tag(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    tag_id = to_text(lookup(ctx, "tag_id", "triggered_tag_id", config_keys=["triggered_tag_id", "tag_id"])).strip()
    event = to_text(
        lookup(ctx, "tag_event", "triggered_event", "event", config_keys=["triggered_event", "event"]) or "tag_applied"
    )
    modified: dict[str, Any] = {"tag_id": tag_id, "tag_event": event, "processed": False}
    wanted = [to_text(tag).strip() for tag in config.tag_ids if to_text(tag).strip()]
    if config.tag_event not in ("any", event) or (wanted and tag_id not in wanted):
        return HelperOutput.ok("the tag event does not count", modified_data=modified)
    modified["processed"] = True
    actions: list[Action] = []
    failures: list[str] = []
    if config.tag_action_goal:
        try:
            actions.append(await ctx.achieve_goal(config.tag_action_goal))
        except HelperError as exc:
            failures.append(f"goal {config.tag_action_goal}: {exc}")
    if config.tag_action_webhook:
        payload = {**envelope(ctx), "tag_id": tag_id, "tag_event": event}
        delivery = await send(ctx, config.tag_action_webhook, "POST", payload)
        actions += delivery.actions()
        if delivery.status is not None:
            modified["webhook_status_code"] = delivery.status
        if not delivery.succeeded:
            failures.append(f"webhook: {delivery.status or delivery.error}")
    for failure in failures:
        ctx.log(f"failed: {failure}")
    if len(failures) == bool(config.tag_action_goal) + bool(config.tag_action_webhook):
        return HelperOutput.failed("; ".join(failures), modified_data=modified, actions=actions)
    return HelperOutput.ok("followed the tag event", modified_data=modified, actions=actions)
