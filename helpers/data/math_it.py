"""math_it: arithmetic on a field, the result stored as text."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import ExactNumber, NonEmptyText, OptionalText, WholeNumber, Within, empty_is_default
from helpers.rules.empty import is_blank
from helpers.rules.in_place import computed
from helpers.rules.numbers import parse_number, round_half_away

_NEED_OPERAND = frozenset({"add", "subtract", "multiply", "divide", "percent"})


class Config(HelperConfig):
    """The field, the operation and its operand."""

    field: NonEmptyText = Field(description="Source field; empty counts as 0.")
    operation: Literal["add", "subtract", "multiply", "divide", "round", "ceil", "floor", "abs", "percent"] = Field(
        description="What to do with the value."
    )
    operand: Annotated[ExactNumber | None, empty_is_default] = Field(
        default=None, description="Second value of add, subtract, multiply, divide and percent."
    )
    decimal_places: Annotated[WholeNumber, Within(0, 10), empty_is_default] = Field(
        default=2, description="Places the result is rounded to, half away from zero."
    )
    target_field: OptionalText = Field(default=None, description="Destination; default: the source field.")

    @model_validator(mode="after")
    def _operand_given(self) -> Self:
        if self.operation in _NEED_OPERAND and self.operand is None:
            raise ValueError(f"operand: {self.operation} needs a number")
        return self


class MathIt(Helper[Config]):
    """Exact decimal arithmetic; the result is always written."""

    type = "math_it"
    name = "Math It"
    category = "data"
    description = "Four-function, rounding or percent arithmetic on a field."
    reads_contact = False
    example = Example(
        config={"field": "points", "operation": "add", "operand": 10},
        crm={"contact": {"id": "c1", "custom_fields": {"points": "100"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        target = config.target_field or config.field
        result = (await computed(ctx, [config.field], [target], lambda: _result(ctx)))["result"]
        action = await ctx.write(target, result)
        return HelperOutput.ok(f"{config.operation}: {result}", modified_data={target: result}, actions=[action])


async def _result(ctx: HelperContext[Config]) -> dict[str, Any]:
    config = ctx.config
    value = await ctx.read(config.field)
    number = Fraction(0)
    if not is_blank(value):
        parsed = parse_number(value)
        if parsed is None:
            raise PermanentFailure(f"{config.field} holds no number")
        number = Fraction(parsed)
    return {"result": _text(_compute(config, number), config.decimal_places)}


def _compute(config: Config, value: Fraction) -> Fraction:
    operand = Fraction(config.operand) if config.operand is not None else Fraction(0)
    match config.operation:
        case "add":
            return value + operand
        case "subtract":
            return value - operand
        case "multiply":
            return value * operand
        case "divide":
            if not operand:
                raise PermanentFailure("operand: a division by 0 has no result")
            return value / operand
        case "percent":
            return value * operand / 100
        case "ceil":
            return Fraction(math.ceil(value))
        case "floor":
            return Fraction(math.floor(value))
        case "abs":
            return abs(value)
        case "round":
            return value


def _text(value: Fraction, places: int) -> str:
    rounded = round_half_away(value, places)
    if rounded == rounded.to_integral_value():
        return format(rounded.to_integral_value(), "f")
    return format(rounded, "f")
