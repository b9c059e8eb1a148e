"""hook_it: goals in, webhooks out, conditional payloads, batches and tag events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import HelperError, TransientFailure
from helpers.integration.hook_delivery import Delivery, DeliveryConfig, deliver, encode
from helpers.integration.hook_payload import FieldTransform, PayloadRule, base_payload, built_payload, envelope
from helpers.rules.config_types import LooseFlag, OptionalText, WholeNumber, blank_is_default, empty_is_default
from helpers.rules.effects import Effects, best_effort
from helpers.rules.event_data import MISSING, lookup, value_at
from helpers.rules.steps import once
from helpers.rules.templates import has_placeholder_before_path
from helpers.rules.text import to_text

PARALLEL_CALLS = 5
DEFAULT_GOALS = {"contact.add": "newcontact", "invoice.add": "newinvoice", "order.add": "neworder"}


class ResponseMapping(HelperConfig):
    """A value of the answer for a contact field; an incomplete entry is skipped."""

    response_field: OptionalText = Field(default=None, description="Dotted path into the JSON answer.")
    crm_field: OptionalText = Field(default=None, description="Contact field.")


class BatchWebhook(HelperConfig):
    """One webhook of a batch; an entry without URL is skipped."""

    url: OptionalText = Field(default=None, description="Target; {{key}} after the host.")
    method: Annotated[Literal["GET", "POST", "PUT", "PATCH"], blank_is_default] = Field(
        default="POST", description="HTTP method."
    )


class Config(DeliveryConfig):
    """The mode and its settings."""

    mode: Annotated[Literal["basic", "v2", "v3", "v4", "by_tag"], blank_is_default] = Field(
        default="basic", description="What the helper does."
    )
    hook_action: OptionalText = Field(default=None, description="basic: event name.")
    goal_prefix: OptionalText = Field(default=None, description="basic: replaces the default goal's stem.")
    actions: Annotated[list[Any], empty_is_default] = Field(
        default=[], description="basic: [{event, goal_name}]; an entry that is incomplete or no object is skipped."
    )
    webhook_url: OptionalText = Field(default=None, description="Target; {{key}} after the host.")
    webhook_method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], blank_is_default] = Field(
        default="POST", description="HTTP method."
    )
    parse_response: Annotated[LooseFlag, blank_is_default] = Field(
        default=False, description="v2, and v4 without a batch: use the answer."
    )
    response_mappings: Annotated[list[ResponseMapping], empty_is_default] = Field(
        default=[], description="Answer -> contact fields, with parse_response."
    )
    conditional_payload: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v3: use the rules.")
    payload_rules: Annotated[list[PayloadRule], empty_is_default] = Field(default=[], description="v3: first one wins.")
    field_transforms: Annotated[list[FieldTransform], empty_is_default] = Field(default=[], description="v3.")
    batch_webhooks: Annotated[list[BatchWebhook], empty_is_default] = Field(default=[], description="v4: all called.")
    async_execution: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v4: changes nothing.")
    rate_limit_enabled: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v4: limit the rate.")
    rate_limit_rpm: Annotated[WholeNumber, blank_is_default] = Field(
        default=60, description="v4: runs a minute, between 1 and 1000."
    )
    tag_event: Annotated[Literal["tag_applied", "tag_removed", "any"] | None, blank_is_default] = Field(
        default=None, description="by_tag: event that counts."
    )
    tag_ids: Annotated[list[str | int], empty_is_default] = Field(default=[], description="by_tag: empty = every tag.")
    tag_action_goal: OptionalText = Field(default=None, description="by_tag: goal to achieve.")
    tag_action_webhook: OptionalText = Field(default=None, description="by_tag: webhook to call.")

    @property
    def has_url(self) -> bool:
        """Whether webhook_url holds something."""
        return bool(self.webhook_url and self.webhook_url.strip())

    @property
    def urls(self) -> list[str]:
        """Every webhook URL that the mode uses."""
        if self.mode == "by_tag":
            return [self.tag_action_webhook] if self.tag_action_webhook else []
        if self.mode == "basic":
            return []
        batch = [entry.url for entry in self.batch_webhooks if entry.url] if self.mode == "v4" else []
        return [*batch, *([self.webhook_url] if self.webhook_url else [])]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mode in ("v2", "v3") and not self.has_url:
            raise ValueError(f"webhook_url: mode {self.mode} needs the URL of the webhook")
        if self.mode == "v4" and not self.has_url and not self.batch_webhooks:
            raise ValueError("webhook_url: mode v4 needs a URL, or batch_webhooks")
        if self.mode == "by_tag":
            if self.tag_event is None:
                raise ValueError("tag_event: write tag_applied, tag_removed or any")
            if not self.tag_action_goal and not self.tag_action_webhook:
                raise ValueError("tag_action_goal: write a goal, or a webhook in tag_action_webhook")
        if self.urls and self.missing_secret:
            raise ValueError(f"{self.missing_secret}: authentication {self.auth_type} needs it")
        if any(has_placeholder_before_path(url) for url in self.urls):
            raise ValueError("webhook_url: {{...}} may stand after the host only, never in scheme, host or port")
        return self


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
            "v2": _call,
            "v3": _call_with_built_payload,
            "v4": _call_batch,
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


async def _send(
    ctx: HelperContext[Config],
    url: str,
    method: str,
    payload: dict[str, Any],
    *,
    index: int | None = None,
    parse: bool = False,
) -> Delivery:
    """One webhook, once for an execution; ``parse`` looks for the mapped values in its answer."""

    async def send() -> dict[str, Any]:
        delivery = await deliver(ctx, ctx.config, url, method, payload, index=index)
        # The record of the step stays small: of the answer it keeps what is shown and what is mapped.
        return asdict(replace(delivery, body="", found=_found(ctx, delivery) if parse else []))

    return Delivery(**await once(ctx, "webhook" if index is None else f"webhook {index}", send))


def _output(delivery: Delivery, modified: dict[str, Any], actions: list[Action]) -> HelperOutput:
    if delivery.succeeded:
        return HelperOutput.ok(f"webhook answered {delivery.status}", modified_data=modified, actions=actions)
    reason = f"webhook answered {delivery.status}" if delivery.status else f"webhook failed: {delivery.error}"
    return HelperOutput.failed(reason, modified_data=modified, actions=actions)


async def _call(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    delivery = await _send(
        ctx, str(config.webhook_url), config.webhook_method, base_payload(ctx), parse=config.parse_response
    )
    actions = [*delivery.actions(), *await _write_found(ctx, delivery)]
    return _output(delivery, delivery.report, actions)


def _found(ctx: HelperContext[Config], delivery: Delivery) -> list[tuple[str, Any]]:
    """(CRM field, value) of every mapping that the JSON answer of a success has a value for."""
    if not delivery.succeeded:
        return []
    try:
        answer = json.loads(delivery.body)
    except ValueError:
        ctx.log("the answer is no JSON, so nothing was mapped")
        return []
    found = []
    for mapping in ctx.config.response_mappings:
        if not mapping.response_field or not mapping.crm_field:
            continue
        value = value_at(answer, mapping.response_field)
        if value is MISSING or value is None:
            ctx.log(f"the answer has no {mapping.response_field}")
        else:
            found.append((mapping.crm_field, value))
    return found


async def _write_found(ctx: HelperContext[Config], delivery: Delivery) -> list[Action]:
    updated = 0
    for crm_field, value in delivery.found:
        updated += len(await best_effort(ctx, f"writing {crm_field}", ctx.write(crm_field, value)))
    return [Action(type="contact_updated", target=ctx.contact_id, value=updated)] if updated else []


async def _call_with_built_payload(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    payload = built_payload(ctx, config.field_transforms, config.conditional_payload, config.payload_rules)
    delivery = await _send(ctx, str(config.webhook_url), config.webhook_method, payload)
    return _output(delivery, {**delivery.report, "payload": encode(payload).decode()}, delivery.actions())


async def _call_batch(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    if config.rate_limit_enabled:
        await _limit_rate(ctx)
    extra = {"async_queued": False} if config.async_execution else {}
    if not config.batch_webhooks:
        output = await _call(ctx)
        return output.model_copy(update={"modified_data": {**output.modified_data, **extra}})
    payload = base_payload(ctx)
    slots = asyncio.Semaphore(PARALLEL_CALLS)

    async def call(index: int, entry: BatchWebhook) -> tuple[int, Delivery]:
        async with slots:
            return index, await _send(ctx, str(entry.url), entry.method, payload, index=index)

    entries = [(index, entry) for index, entry in enumerate(config.batch_webhooks) if entry.url]
    deliveries = await asyncio.gather(*(call(index, entry) for index, entry in entries))
    results = [_batch_result(index, delivery) for index, delivery in deliveries]
    succeeded = [delivery for _index, delivery in deliveries if delivery.succeeded]
    modified = {"batch_results": results, "batch_count": len(results), "success_count": len(succeeded), **extra}
    actions = [action for delivery in succeeded for action in delivery.actions()]
    if not succeeded:
        return HelperOutput.failed("no webhook of the batch succeeded", modified_data=modified, actions=actions)
    return HelperOutput.ok(f"{len(succeeded)} of {len(results)} webhooks", modified_data=modified, actions=actions)


def _batch_result(index: int, delivery: Delivery) -> dict[str, Any]:
    result: dict[str, Any] = {
        "index": index,
        "url": delivery.url,
        "method": delivery.method,
        "success": delivery.succeeded,
    }
    if delivery.status is None:
        return result | {"error": delivery.error}
    return result | {"status_code": delivery.status, "response": delivery.response}


async def _limit_rate(ctx: HelperContext[Config]) -> None:
    now = ctx.clock.now().timestamp()
    minute = int(now // 60)
    count = await ctx.state.increment(f"hook_it:{ctx.helper_id}:{minute}", ttl_seconds=120)
    if count > max(1, min(1000, ctx.config.rate_limit_rpm)):
        raise TransientFailure("the rate limit of this minute is reached", retry_after=(minute + 1) * 60 - now)


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
        delivery = await _send(ctx, config.tag_action_webhook, "POST", payload)
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
