"""date_calc: date arithmetic, differences and formats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from dateutil.relativedelta import relativedelta
from pydantic import Field, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.data.field_reading import read_date
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, WholeNumber, empty_is_default
from helpers.rules.dates import as_utc
from helpers.rules.go_layout import format_date
from helpers.rules.in_place import computed

_OUT_OF_RANGE = "a date is outside the years 1 to 9999"


class Config(HelperConfig):
    """The operation and its dates."""

    operation: Literal[
        "add_days", "subtract_days", "add_months", "subtract_months", "add_years", "subtract_years",
        "set_now", "diff_days", "format",
    ] = Field(description="What to do.")  # fmt: skip
    field: OptionalText = Field(default=None, description="Source date; required except for set_now.")
    amount: Annotated[WholeNumber | None, empty_is_default] = Field(
        default=None, description="How many days, months or years; may be negative."
    )
    compare_field: OptionalText = Field(default=None, description="Second date of diff_days.")
    target_field: OptionalText = Field(default=None, description="Destination; default: the source field.")
    output_format: Annotated[str, empty_is_default] = Field(default="2006-01-02", description="Go layout, or strftime.")
    month_overflow: Annotated[Literal["clamp", "rollover"], empty_is_default] = Field(
        default="clamp", description="A day past the month's end: its last day, or days of the next month."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.operation != "set_now" and self.field is None:
            raise ValueError("field: write the field with the date")
        if self.operation.startswith(("add_", "subtract_")) and self.amount is None:
            raise ValueError(f"amount: {self.operation} needs a whole number")
        if self.operation == "diff_days" and self.compare_field is None:
            raise ValueError("compare_field: diff_days needs the field with the second date")
        return self


class DateCalc(Helper[Config]):
    """A date that cannot be read changes nothing."""

    type = "date_calc"
    name = "Date Calc"
    category = "data"
    description = "Add or subtract days, months or years, take a difference, set now, or reformat a date field."
    reads_contact = False
    example = Example(
        config={"operation": "add_months", "field": "start", "amount": 1, "target_field": "renewal"},
        crm={"contact": {"id": "c1", "custom_fields": {"start": "2024-01-31"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        target = config.target_field or config.field
        if target is None:
            raise PermanentFailure("target_field: set_now needs a field to write to")
        if config.operation == "diff_days" and config.target_field is None:
            ctx.log(f"the difference overwrites {config.field}: choose a target_field to keep the date")
        sources = [] if config.operation == "set_now" else [config.field, config.compare_field]
        text = (await computed(ctx, sources, [target], lambda: _result(ctx)))["text"]
        action = await ctx.write(target, text)
        return HelperOutput.ok(f"{config.operation}: {text}", modified_data={target: text}, actions=[action])


async def _result(ctx: HelperContext[Config]) -> dict[str, Any]:
    config = ctx.config
    if config.operation == "set_now":
        return {"text": format_date(ctx.clock.now(), config.output_format)}
    moment = await read_date(ctx, str(config.field))
    other = await read_date(ctx, str(config.compare_field)) if config.operation == "diff_days" else None
    try:
        if other is not None:
            return {"text": str(_whole_days(as_utc(other) - as_utc(moment)))}
        if config.operation != "format":
            moment = _moved(moment, config)
    except (OverflowError, ValueError) as exc:
        raise PermanentFailure(_OUT_OF_RANGE) from exc
    return {"text": format_date(moment, config.output_format)}


def _whole_days(difference: timedelta) -> int:
    """Truncated toward zero."""
    days = abs(difference) // timedelta(days=1)
    return -days if difference < timedelta() else days


def _moved(moment: datetime, config: Config) -> datetime:
    direction, unit = config.operation.split("_")
    amount = (config.amount or 0) * (1 if direction == "add" else -1)
    move: dict[str, Callable[[], datetime]] = {
        "days": lambda: moment + timedelta(days=amount),
        "months": lambda: _by_months(moment, amount, config.month_overflow),
        "years": lambda: _by_months(moment, amount * 12, config.month_overflow),
    }
    return move[unit]()


def _by_months(moment: datetime, months: int, overflow: str) -> datetime:
    if overflow == "clamp":
        return moment + relativedelta(months=months)
    # The first of the month always exists; the surplus of days carries over.
    first = moment.replace(day=1) + relativedelta(months=months)
    return first + timedelta(days=moment.day - 1)
