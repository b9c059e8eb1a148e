"""stripe_hooks: turn Stripe events into goals and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, empty_is_default, without_blanks
from helpers.rules.contact_lookup import contact_with_email
from helpers.rules.effects import Effects
from helpers.rules.event_data import value_at
from helpers.rules.text import to_text

EMAIL_PATHS = ("customer_email", "receipt_email", "billing_details.email", "email")


class Config(HelperConfig):
    """Which events count, and what they do."""

    selected_events: Annotated[list[Annotated[str, Strict()]], Strict()] = Field(
        min_length=1, description="Stripe event types; prefix.* selects all that begin so."
    )
    goal_name: OptionalText = Field(default=None, description="Goal to achieve on a match.")
    event_tags: Annotated[
        list[Annotated[str, Strict()]], Strict(), BeforeValidator(without_blanks), empty_is_default
    ] = Field(default=[], description="Tags (id or name) to apply on a match.")  # fmt: skip


class StripeHooks(Helper[Config]):
    """The contact is the execution's, or the one with the e-mail that the event names."""

    type = "stripe_hooks"
    name = "Stripe Hooks"
    category = "integration"
    description = "Turn Stripe events into goals and tags."
    requires_crm = True
    requires_contact = False
    reads_contact = False
    idempotent = False
    example = Example(
        config={"selected_events": ["invoice.*"], "event_tags": ["77"], "goal_name": "paid"},
        crm={"contact": {"id": "c1"}, "tags": [{"id": "77", "name": "Paying"}]},
        input={"object": "event", "id": "evt_1", "type": "invoice.paid", "data": {"object": {}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, event = ctx.config, _event(ctx.input)
        data: dict[str, Any] = {
            "configured_events": config.selected_events,
            "goal_name": config.goal_name or "",
            "event_tags": config.event_tags,
            "processed": False,
        }
        if event is None:
            return HelperOutput.ok("there is no Stripe event in the input", modified_data=data)
        event_type = to_text(event.get("type"))
        data |= {
            "event_type": event_type,
            "event_id": to_text(event.get("id")),
            "tags_applied": 0,
            "goal_achieved": False,
        }
        if not any(_selects(selected, event_type) for selected in config.selected_events):
            return HelperOutput.ok(f"event {event_type} is not selected", modified_data=data)
        contact_id = ctx.contact_id or await _contact_of(ctx, event)
        effects = Effects(ctx)
        for tag in config.event_tags:
            await effects.attempt(f"apply tag {tag!r}", _apply_tag(ctx, contact_id, tag))
        tags_applied = len(effects.actions)
        actions = effects.actions
        if config.goal_name:
            actions = [*actions, await _achieve_goal(ctx, contact_id, config.goal_name)]
        else:
            effects.raise_common_cause()
            effects.raise_if_all_failed()
        data |= {"processed": True, "tags_applied": tags_applied, "goal_achieved": config.goal_name is not None}
        return HelperOutput.ok(f"processed {event_type}", modified_data=data, actions=actions)


def _event(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The Stripe event object, or as much of it as there is."""
    if data.get("object") == "event" or data.get("type"):
        return data
    event, event_type = data.get("event"), data.get("event_type")
    if isinstance(event, Mapping):
        return event
    return {"type": event_type} if isinstance(event_type, str) and event_type else None


def _selects(selected: str, event_type: str) -> bool:
    selected = selected.strip()
    if selected.endswith(".*"):
        return event_type.startswith(selected[:-1])
    return bool(event_type) and selected == event_type


async def _contact_of(ctx: HelperContext[Config], event: Mapping[str, Any]) -> str:
    subject = value_at(event, "data.object")
    for path in EMAIL_PATHS:
        email = value_at(subject, path)
        contact_id = await contact_with_email(ctx, email) if isinstance(email, str) else None
        if contact_id is not None:
            return contact_id
    raise PermanentFailure("the execution names no contact, and the CRM has none with the event's e-mail")


async def _apply_tag(ctx: HelperContext[Config], contact_id: str, tag: str) -> Action:
    await ctx.crm.apply_tag(contact_id, tag)
    return Action.tag_applied(contact_id, tag)


async def _achieve_goal(ctx: HelperContext[Config], contact_id: str, goal: str) -> Action:
    await ctx.crm.achieve_goal(contact_id, goal, "myfusionhelper")
    return Action.goal_achieved(contact_id, goal)
