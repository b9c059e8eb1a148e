"""assign_it: set the owner of the contact through a configurable field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, Identifier, blank_is_default


class Config(HelperConfig):
    """The new owner and the field that holds it."""

    owner_id: Identifier = Field(description="User id to assign.")
    owner_field: Annotated[FieldKey, blank_is_default] = Field(
        default="owner_id", description="Field that holds the owner; owner_id is the native owner of the CRM."
    )


class AssignIt(Helper[Config]):
    """Assigning the same owner again is fine; the previous one is not looked at."""

    type = "assign_it"
    name = "Assign It"
    category = "contact"
    description = "Set the owner of the contact through a configurable field."
    reads_contact = False
    example = Example(config={"owner_id": 42}, crm={"contact": {"id": "c1", "owner_id": "7"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        owner_id, owner_field = ctx.config.owner_id, ctx.config.owner_field
        action = await ctx.write(owner_field, owner_id)
        return HelperOutput.ok(f"assigned to {owner_id}", modified_data={owner_field: owner_id}, actions=[action])
