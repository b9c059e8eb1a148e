"""move_it: copy one field to another, then blank the source."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import CrmError
from helpers.rules.config_types import FieldKey, Flag
from helpers.rules.effects import soft
from helpers.rules.empty import is_empty
from helpers.rules.fields import STANDARD_NAMES, resolve


class Config(HelperConfig):
    """From where to where."""

    source_field: FieldKey = Field(description="Field to read and blank.")
    target_field: FieldKey = Field(description="Field to write; not the source.")
    preserve: Flag | None = Field(default=None, description="true: a target that has a value stays (default false).")
    overwrite: Flag | None = Field(
        default=None, description="Key of the earlier form, used where preserve is absent: preserve = not overwrite."
    )

    @model_validator(mode="after")
    def _target_is_another_field(self) -> Config:
        if self.source_field == self.target_field:
            raise ValueError("target_field: choose another field than source_field")
        return self

    @property
    def keeps_target(self) -> bool:
        """Whether a target with a value stays as it is."""
        if self.preserve is not None:
            return self.preserve
        return self.overwrite is False


class MoveIt(Helper[Config]):
    """The value keeps its type; the source is blanked only after the target holds the value."""

    type = "move_it"
    name = "Move It"
    category = "contact"
    description = "Copy one field to another, then blank the source."
    example = Example(
        config={"source_field": "temp_phone", "target_field": "phone"},
        crm={"contact": {"id": "c1", "custom_fields": {"temp_phone": "555-0100"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        source, target = ctx.config.source_field, ctx.config.target_field
        value = await ctx.read(source)
        if is_empty(value):
            return HelperOutput.no_op(f"{source} is empty")
        if ctx.config.keeps_target and not is_empty(await ctx.read(target)):
            return HelperOutput.no_op(f"{target} has a value already")
        if await self._same_field(ctx):
            return HelperOutput.no_op(f"{source} and {target} are the same field")
        actions = await self._move(ctx, value)
        return HelperOutput.ok(
            f"moved {source} to {target}",
            modified_data={action.target: action.value for action in actions},
            actions=actions,
        )

    async def _same_field(self, ctx: HelperContext[Config]) -> bool:
        source, target = ctx.config.source_field, ctx.config.target_field
        if source in STANDARD_NAMES and target in STANDARD_NAMES:
            return False
        custom_fields = await ctx.crm.get_custom_fields()
        return resolve(source, custom_fields) == resolve(target, custom_fields)

    async def _move(self, ctx: HelperContext[Config], value: Any) -> list[Action]:
        source, target = ctx.config.source_field, ctx.config.target_field
        try:
            await ctx.crm.set_field_values(ctx.contact_id, {target: value, source: ""})
        except CrmError as exc:
            if exc.retryable:
                raise
            # One of the two was refused. The target decides: without it nothing is blanked.
            return [await ctx.write(target, value), *await soft(ctx, f"clear {source}", ctx.write(source, ""))]
        return [Action.field_updated(target, value), Action.field_updated(source, "")]
