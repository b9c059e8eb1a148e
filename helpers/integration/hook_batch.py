"""hook_it calls a batch of webhooks: mode v4, with its limit of runs a minute."""

from __future__ import annotations

import asyncio
from typing import Any

from helpers.contract import HelperContext, HelperOutput
from helpers.errors import TransientFailure
from helpers.integration.hook_call import call_webhook, send
from helpers.integration.hook_config import BatchWebhook, Config
from helpers.integration.hook_delivery import Delivery
from helpers.integration.hook_payload import base_payload

PARALLEL_CALLS = 5


async def call_batch(ctx: HelperContext[Config]) -> HelperOutput:
    """Call them all, in parallel; one success is enough. Without a batch the one webhook of mode v2 is called."""
    config = ctx.config
    if config.rate_limit_enabled:
        await _limit_rate(ctx)
    extra = {"async_queued": False} if config.async_execution else {}
    if not config.batch_webhooks:
        output = await call_webhook(ctx)
        return output.model_copy(update={"modified_data": {**output.modified_data, **extra}})
    payload = base_payload(ctx)
    slots = asyncio.Semaphore(PARALLEL_CALLS)

    async def call(index: int, entry: BatchWebhook) -> tuple[int, Delivery]:
        async with slots:
            return index, await send(ctx, str(entry.url), entry.method, payload, index=index)

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
