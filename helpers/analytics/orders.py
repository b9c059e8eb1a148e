"""The contact's orders as the CRM sums them up (spec data D13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from fractions import Fraction
from typing import Any

from helpers.analytics.invoices import amount
from helpers.contract import HelperContext
from helpers.rules.dates import parse_date


@dataclass(frozen=True, slots=True)
class Orders:
    """What the CRM answers about the contact's orders."""

    paid: Fraction
    invoiced: Fraction
    count: int
    first_date: Any
    first_value: Any
    last_date: Any
    last_value: Any

    def days_since_last(self, now: datetime) -> int | None:
        """Whole days since the midnight (UTC) of the last order's day, never below 0; None without a readable date."""
        moment = parse_date(self.last_date)
        if moment is None:
            return None
        return max(0, (now - datetime.combine(moment.date(), time(), UTC)).days)


async def read_orders(ctx: HelperContext[Any]) -> Orders:
    """What the CRM answers. Raises PermanentFailure for a figure that is no number, and the connector's error."""

    async def figure(name: str) -> Any:
        return await ctx.read(f"_related.invoice.{name}")

    return Orders(
        paid=amount(await figure("sum.TotalPaid")),
        count=int(amount(await figure("count"))),
        last_date=await figure("last.DateCreated"),
        last_value=await figure("last.InvoiceTotal"),
        first_date=await figure("first.DateCreated"),
        first_value=await figure("first.InvoiceTotal"),
        invoiced=amount(await figure("sum.InvoiceTotal")),
    )
