"""contact_updater: write a map of fields; fire a goal for other contacts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import ContactUpdate
from helpers.rules.config_types import FieldKey, Identifier, distinct, null_is_default, without_blanks
from helpers.rules.effects import best_effort

GOAL = "contact_updated"
INTEGRATION = "contact_updater"


def _no_object(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError("write a text, a number, a boolean, a list or null")  # noqa: TRY004  pydantic's protocol
    return value


class Config(HelperConfig):
    """What is written, and who else hears of it."""

    fields: Annotated[dict[FieldKey, Annotated[Any, AfterValidator(_no_object)]], Strict()] = Field(
        description="Field key -> value, written as given; null blanks the field."
    )
    secondary_contact_ids: Annotated[
        list[Identifier], Strict(), distinct, BeforeValidator(without_blanks), null_is_default
    ] = Field(default_factory=list, description="Other contacts that achieve the goal contact_updated.")


class ContactUpdater(Helper[Config]):
    """Standard names and their aliases go to the standard attributes, everything else to custom fields."""

    type = "contact_updater"
    name = "Contact Updater"
    category = "contact"
    description = "Write a map of fields; fire a goal for other contacts."
    reads_contact = False
    example = Example(
        config={"fields": {"FirstName": "Ada", "plan": "Gold", "coupon": None}},
        crm={"contact": {"id": "c1", "custom_fields": {"plan": "Silver", "coupon": "SPRING"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        fields = ctx.config.fields
        written = {key: "" if value is None else value for key, value in fields.items()}
        if written:
            # The connector resolves the keys, standard names included: only it knows the account's custom fields.
            await ctx.crm.update_contact(ctx.contact_id, ContactUpdate(custom_fields=written))
        actions = [Action.field_updated(key, value) for key, value in written.items()]
        for contact_id in ctx.config.secondary_contact_ids:
            actions += await best_effort(ctx, f"goal {GOAL} for {contact_id}", self._notify(ctx, contact_id))
        return HelperOutput.ok(f"wrote {len(fields)} fields", modified_data=fields, actions=actions)

    async def _notify(self, ctx: HelperContext[Config], contact_id: str) -> Action:
        await ctx.crm.achieve_goal(contact_id, GOAL, INTEGRATION)
        return Action.goal_achieved(contact_id, GOAL)
