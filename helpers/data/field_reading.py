"""Numbers and dates read from a contact's fields, for helpers whose spec makes a bad value a permanent failure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure
from helpers.rules.dates import parse_date
from helpers.rules.numbers import parse_number


async def read_number(ctx: HelperContext[Any], field: str) -> Decimal:
    """The number in the field (spec data D5). Raises PermanentFailure where there is none."""
    number = parse_number(await ctx.read(field))
    if number is None:
        raise PermanentFailure(f"{field} holds no number")
    return number


async def read_date(ctx: HelperContext[Any], field: str) -> datetime:
    """The date in the field (spec data D7). Raises PermanentFailure where there is none."""
    moment = parse_date(await ctx.read(field))
    if moment is None:
        raise PermanentFailure(f"{field} holds no date that can be read")
    return moment
