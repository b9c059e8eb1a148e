"""copy_it: copy one field to another."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, Flag
from helpers.rules.empty import is_empty


class Config(HelperConfig):
    """From where to where."""

    source_field: FieldKey = Field(description="Field to read.")
    target_field: FieldKey = Field(description="Field to write.")
    overwrite: Flag = Field(default=True, description="false: write only when the target is empty.")


class CopyIt(Helper[Config]):
    """The value keeps its type; an empty source never blanks the target."""

    type = "copy_it"
    name = "Copy It"
    category = "contact"
    description = "Copy one field to another."
    example = Example(
        config={"source_field": "company", "target_field": "billing_company"},
        crm={"contact": {"id": "c1", "company": "Acme"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        source, target = ctx.config.source_field, ctx.config.target_field
        value = await ctx.read(source)
        if is_empty(value):
            return HelperOutput.no_op(f"{source} is empty")
        if not ctx.config.overwrite and not is_empty(await ctx.read(target)):
            return HelperOutput.no_op(f"{target} has a value already")
        action = await ctx.write(target, value)
        return HelperOutput.ok(f"copied {source} to {target}", modified_data={target: value}, actions=[action])
