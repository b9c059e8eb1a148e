"""hook_it calls one webhook: modes v2, whose answer may fill fields, and v3, whose payload is built by rules."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from helpers.contract import Action, HelperContext, HelperOutput
from helpers.integration.hook_config import Config
from helpers.integration.hook_delivery import Delivery, deliver, encode
from helpers.integration.hook_payload import base_payload, built_payload
from helpers.rules.characters import read_json
from helpers.rules.effects import best_effort
from helpers.rules.event_data import MISSING, value_at
from helpers.rules.steps import once


async def call_webhook(ctx: HelperContext[Config]) -> HelperOutput:
    """Mode v2: the base payload; the mapped values of the answer go into contact fields."""
    config = ctx.config
    delivery = await send(
        ctx, str(config.webhook_url), config.webhook_method, base_payload(ctx), parse=config.parse_response
    )
    actions = [*delivery.actions(), *await _write_found(ctx, delivery)]
    return _output(delivery, delivery.report, actions)


async def call_with_built_payload(ctx: HelperContext[Config]) -> HelperOutput:
    """Mode v3: the payload that transforms and rules make."""
    config = ctx.config
    payload = built_payload(ctx, config.field_transforms, config.conditional_payload, config.payload_rules)
    delivery = await send(ctx, str(config.webhook_url), config.webhook_method, payload)
    return _output(delivery, {**delivery.report, "payload": encode(payload).decode()}, delivery.actions())


async def send(
    ctx: HelperContext[Config],
    url: str,
    method: str,
    payload: dict[str, Any],
    *,
    index: int | None = None,
    parse: bool = False,
) -> Delivery:
    """One webhook, once for an execution; ``parse`` looks for the mapped values in its answer."""

    async def post() -> dict[str, Any]:
        delivery = await deliver(ctx, ctx.config, url, method, payload, index=index)
        # The record of the step stays small: of the answer it keeps what is shown and what is mapped.
        return asdict(replace(delivery, body="", found=_found(ctx, delivery) if parse else []))

    return Delivery(**await once(ctx, "webhook" if index is None else f"webhook {index}", post))


def _found(ctx: HelperContext[Config], delivery: Delivery) -> list[tuple[str, Any]]:
    """(CRM field, value) of every mapping that the JSON answer of a success has a value for."""
    if not delivery.succeeded:
        return []
    try:
        answer = read_json(delivery.body)
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


def _output(delivery: Delivery, modified: dict[str, Any], actions: list[Action]) -> HelperOutput:
    if delivery.succeeded:
        return HelperOutput.ok(f"webhook answered {delivery.status}", modified_data=modified, actions=actions)
    reason = f"webhook answered {delivery.status}" if delivery.status else f"webhook failed: {delivery.error}"
    return HelperOutput.failed(reason, modified_data=modified, actions=actions)
