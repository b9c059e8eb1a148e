"""advance_math: a numeric function of one or two fields, the result stored as a number."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.data.field_reading import read_number
from helpers.errors import PermanentFailure
from helpers.rules.config_types import ExactNumber, NonEmptyText, OptionalText, empty_is_default
from helpers.rules.in_place import computed
from helpers.rules.numbers import json_number, round_half_away

_TWO_ARGUMENTS = frozenset({"power", "min", "max"})


class Config(HelperConfig):
    """The function and its arguments."""

    operation: Literal["power", "sqrt", "abs", "round", "ceil", "floor", "min", "max"] = Field(
        description="The function."
    )
    source_field: NonEmptyText = Field(description="Field with the first value.")
    operand: Annotated[ExactNumber | None, empty_is_default] = Field(
        default=None, description="Second value of power, min and max."
    )
    second_field: OptionalText = Field(default=None, description="Field with the second value; wins over operand.")
    target_field: NonEmptyText = Field(description="Field that receives the number.")

    @model_validator(mode="after")
    def _second_value_given(self) -> Self:
        if self.operation in _TWO_ARGUMENTS and self.operand is None and self.second_field is None:
            raise ValueError(f"operand: {self.operation} needs a number, or a field in second_field")
        return self


class AdvanceMath(Helper[Config]):
    """A value that is no number, or a result that is none, changes nothing."""

    type = "advance_math"
    name = "Advance Math"
    category = "data"
    description = "Power, square root, absolute value, rounding, minimum or maximum of a field, stored as a number."
    reads_contact = False
    example = Example(
        config={"operation": "sqrt", "source_field": "area", "target_field": "side"},
        crm={"contact": {"id": "c1", "custom_fields": {"area": "16"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        sources = [config.source_field, config.second_field if config.operation in _TWO_ARGUMENTS else None]
        found = await computed(ctx, sources, [config.target_field], lambda: _result(ctx))
        action = await ctx.write(config.target_field, found["result"])
        modified = {config.target_field: found["result"], "operation": config.operation, **found}
        return HelperOutput.ok(f"{config.operation}: {found['result']}", modified_data=modified, actions=[action])


async def _result(ctx: HelperContext[Config]) -> dict[str, Any]:
    config = ctx.config
    source = await read_number(ctx, config.source_field)
    second: Decimal | None = None
    if config.operation in _TWO_ARGUMENTS:
        second = await read_number(ctx, config.second_field) if config.second_field else config.operand
    result = _compute(config.operation, source, second or Decimal(0))
    return {"source": json_number(source), "result": result}


def _compute(operation: str, source: Decimal, second: Decimal) -> int | float:
    match operation:
        case "power":
            return _power(source, second)
        case "sqrt":
            if source < 0:
                raise PermanentFailure("a negative number has no square root")
            root = source.sqrt()
            return json_number(root) if root * root == source else math.sqrt(source)
        case "abs":
            return json_number(source.copy_abs())
        case "round":
            return json_number(round_half_away(source))
        case "ceil":
            return math.ceil(source)
        case "floor":
            return math.floor(source)
        case "min":
            return json_number(min(source, second))
        case _:
            return json_number(max(source, second))


def _power(base: Decimal, exponent: Decimal) -> int | float:
    try:
        result = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError) as exc:
        raise PermanentFailure(f"the power has no finite result: {exc}") from exc
    if isinstance(result, complex) or not math.isfinite(result):
        raise PermanentFailure("the power has no real, finite result")
    return int(result) if result.is_integer() and abs(result) < 2**53 else result
