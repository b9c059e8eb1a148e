"""clear_it: blank one or more fields."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import CrmError
from helpers.rules.config_types import FieldKeys
from helpers.rules.effects import Effects


class Config(HelperConfig):
    """What is blanked."""

    fields: FieldKeys = Field(min_length=1, description="Keys of the fields to blank.")


class ClearIt(Helper[Config]):
    """An already empty field is written and counted as well."""

    type = "clear_it"
    name = "Clear It"
    category = "contact"
    description = "Blank one or more fields."
    reads_contact = False
    example = Example(
        config={"fields": ["coupon", "phone"]},
        crm={"contact": {"id": "c1", "phone": "555-0100", "custom_fields": {"coupon": "SPRING"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        fields = ctx.config.fields
        try:
            await ctx.crm.set_field_values(ctx.contact_id, dict.fromkeys(fields, ""))
        except CrmError as exc:
            if exc.retryable:
                raise
            ctx.log(f"clearing {len(fields)} fields at once failed, clearing them one by one: {exc}")
            return await self._one_by_one(ctx)
        return HelperOutput.ok(
            f"cleared {len(fields)} fields",
            modified_data=dict.fromkeys(fields, ""),
            actions=[Action.field_updated(field, "") for field in fields],
        )

    async def _one_by_one(self, ctx: HelperContext[Config]) -> HelperOutput:
        effects = Effects(ctx)
        for field in ctx.config.fields:
            await effects.attempt(f"clear {field}", ctx.write(field, ""))
        effects.raise_common_cause()
        if effects.all_failed:
            return HelperOutput.failed("no field could be cleared")
        return HelperOutput.ok(
            f"cleared {len(effects.actions)} of {len(ctx.config.fields)} fields",
            modified_data=effects.written,
            actions=effects.actions,
        )
