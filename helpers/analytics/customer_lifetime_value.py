"""customer_lifetime_value: order count, spend, average and open balance from the contact's invoices."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from helpers.analytics.invoices import amount
from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import OptionalText, default_when, empty_is_default
from helpers.rules.effects import Effects
from helpers.rules.numbers import json_number, round_half_away
from helpers.rules.text import to_text

Destination = Annotated[OptionalText, default_when(lambda value: value == "no_save")]
"""A contact field; absent, "" and ``no_save`` mean: do not save."""


def _yes_no(value: Any) -> Any:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value.strip().capitalize() if isinstance(value, str) else value


class Config(HelperConfig):
    """Where each figure goes. The prefix really is ``lcv_``."""

    lcv_total_orders: Destination = Field(default=None, description="Field for the order count.")
    lcv_total_spend: Destination = Field(default=None, description="Field for the total paid.")
    lcv_average_order: Destination = Field(default=None, description="Field for the average order.")
    lcv_total_due: Destination = Field(default=None, description="Field for the open balance.")
    include_zero: Annotated[Literal["Yes", "No"], BeforeValidator(_yes_no), empty_is_default] = Field(
        default="No", description="Whether invoices over 0 count."
    )

    @model_validator(mode="after")
    def _somewhere_to_save(self) -> Self:
        if not any((self.lcv_total_orders, self.lcv_total_spend, self.lcv_average_order, self.lcv_total_due)):
            raise ValueError("lcv_total_orders: choose a field for at least one figure")
        return self


class CustomerLifetimeValue(Helper[Config]):
    """A contact without invoices is left alone; a CRM without invoices is a permanent failure."""

    type = "customer_lifetime_value"
    name = "Customer Lifetime Value"
    category = "analytics"
    description = "Order count, total spend, average order and open balance from the contact's invoices."
    reads_contact = False
    example = Example(
        config={"lcv_total_orders": "orders", "lcv_total_spend": "spend", "lcv_average_order": "average"},
        crm={
            "contact": {"id": "c1"},
            "fields": {
                "_related.invoice.sum.TotalPaid": 1500.5,
                "_related.invoice.sum.TotalDue": 2000,
                "_related.invoice.count.nonzero": 10,
            },
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        paid = amount(await ctx.read("_related.invoice.sum.TotalPaid"))
        due = amount(await ctx.read("_related.invoice.sum.TotalDue"))
        count_key = "_related.invoice.count" + ("" if config.include_zero == "Yes" else ".nonzero")
        count = int(amount(await ctx.read(count_key)))
        if count == 0:
            return HelperOutput.no_op("the contact has no invoices")
        spend = round_half_away(paid, 2)
        average = round_half_away(paid / count if paid > 0 else 0, 2)
        owe = round_half_away(due - paid, 2)
        effects = Effects(ctx, transient_stops=True)
        for field, value in (
            (config.lcv_total_orders, count),
            (config.lcv_total_spend, spend),
            (config.lcv_average_order, average),
            (config.lcv_total_due, owe),
        ):
            if field is not None:
                await effects.attempt(f"saving {field}", ctx.write(field, to_text(value)))
        modified = {
            "total_orders": count,
            "total_spend": json_number(spend),
            "average_order": json_number(average),
            "total_owe": json_number(owe),
            "include_zero": config.include_zero,
        }
        if effects.all_failed:
            return HelperOutput.failed("no figure could be saved", modified_data=modified)
        return HelperOutput.ok(f"{count} orders", modified_data=modified, actions=effects.actions)
