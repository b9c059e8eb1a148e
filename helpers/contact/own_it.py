"""own_it: set the native owner of the contact."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Identifier

# An alias of the native owner (C2); stored automations read this key in the output.
OWNER_FIELD = "OwnerID"


class Config(HelperConfig):
    """The new owner."""

    owner_id: Identifier = Field(description="User id.")


class OwnIt(Helper[Config]):
    """Writes the field key OwnerID, which every connector takes for its native owner."""

    type = "own_it"
    name = "Own It"
    category = "contact"
    description = "Set the native owner of the contact."
    reads_contact = False
    example = Example(config={"owner_id": 1234567}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        owner_id = ctx.config.owner_id
        action = await ctx.write(OWNER_FIELD, owner_id)
        return HelperOutput.ok(f"owned by {owner_id}", modified_data={OWNER_FIELD: owner_id}, actions=[action])
