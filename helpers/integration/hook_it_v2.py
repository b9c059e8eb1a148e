"""hook_it_v2: route incoming event names to tags."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import OptionalText, Text, blank_is_default
from helpers.rules.event_data import MISSING, lookup, matching, payload, value_at
from helpers.rules.text import to_text


class Config(HelperConfig):
    """The routes."""

    event_tag_map: dict[str, Annotated[str, Strict()]] = Field(
        min_length=1, description="Event name -> tag (id or name)."
    )
    event_field: Annotated[Text, blank_is_default] = Field(
        default="event", description="Path of the event name in the payload."
    )
    default_tag_id: OptionalText = Field(default=None, description="Tag for events without a route.")


class HookItV2(Helper[Config]):
    """An event without route and without default tag is a success that did nothing."""

    type = "hook_it_v2"
    name = "Hook It V2 (Tag Router)"
    category = "integration"
    description = "Route incoming event names to tags."
    example = Example(
        config={"event_tag_map": {"order.created": "77"}},
        crm={"contact": {"id": "c1"}, "tags": [{"id": "77", "name": "Buyer"}]},
        input={"event": "order.created"},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        event = _event(ctx)
        tag = matching(ctx.config.event_tag_map, event) if event else MISSING
        chosen = str(tag) if tag is not MISSING and str(tag).strip() else ctx.config.default_tag_id
        if not chosen:
            return HelperOutput.ok(
                f"no tag for event {event!r}", modified_data={"event_type": event, "tag_applied": False}
            )
        action = await ctx.apply_tag(chosen)
        return HelperOutput.ok(
            f"event {event!r} applied tag {chosen}",
            modified_data={"event_type": event, "tag_id": chosen, "tag_applied": True},
            actions=[action],
        )


def _event(ctx: HelperContext[Config]) -> str:
    """The event name; "" when nothing names one."""
    field = ctx.config.event_field
    candidates = (value_at(payload(ctx), field), lookup(ctx, "hook_action"), ctx.raw_config.get(field))
    return next((to_text(value) for value in candidates if value is not MISSING and value not in (None, "")), "")
