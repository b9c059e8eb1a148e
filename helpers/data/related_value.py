"""Copies one value of a related record to a field: get_the_first and get_the_last."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from helpers.contract import Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import Unsupported
from helpers.rules.config_types import NonEmptyText
from helpers.rules.empty import is_empty
from helpers.rules.text import to_text


class RelatedValueConfig(HelperConfig):
    """Which record's which field goes where."""

    type: Literal["invoice", "job", "subscription", "lead", "creditcard", "payment"] = Field(
        description="Kind of the related record."
    )
    from_field: NonEmptyText = Field(description="Field of that record.")
    to_field: NonEmptyText = Field(description="Contact field that receives its text.")


class RelatedValue(Helper[RelatedValueConfig]):
    """``position`` is first (oldest) or last (newest)."""

    position: ClassVar[Literal["first", "last"]]
    reads_contact = False

    async def execute(self, ctx: HelperContext[RelatedValueConfig]) -> HelperOutput:
        config = ctx.config
        value = await self._value(ctx)
        if is_empty(value):
            return HelperOutput.no_op(f"there is no {config.type} with {config.from_field}")
        text = to_text(value)
        action = await ctx.write(config.to_field, text)
        return HelperOutput.ok(
            f"{config.from_field} of the {self.position} {config.type}",
            modified_data={config.to_field: text},
            actions=[action],
        )

    async def _value(self, ctx: HelperContext[RelatedValueConfig]) -> Any:
        config = ctx.config
        try:
            return await ctx.read(f"_related.{config.type}.{self.position}.{config.from_field}")
        except Unsupported as exc:
            ctx.log(f"{exc}; reading the contact field {config.from_field} instead")
        return await ctx.read(config.from_field)
