"""rfm_calculation: recency, frequency and monetary scores, their segment, its tags and goals."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from helpers.analytics import rfm_scores
from helpers.analytics.invoices import amount
from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import (
    Flag,
    OptionalTagRef,
    WholeNumber,
    Within,
    empty_is_default,
    null_is_default,
    to_number,
)
from helpers.rules.dates import parse_date
from helpers.rules.effects import Effects
from helpers.rules.empty import is_empty
from helpers.rules.numbers import json_number, parse_number, round_half_away
from helpers.rules.text import to_text

METRICS = (
    "recency_score", "frequency_score", "monetary_score", "rfm_composite_score", "rfm_segment_label",
    "total_order_value", "average_order_value", "total_order_count", "first_order_date", "first_order_value",
    "last_order_date", "last_order_value", "days_since_last_order",
)  # fmt: skip
THRESHOLD_KEYS = ("1_2_threshold", "2_3_threshold", "3_4_threshold", "4_5_threshold")


def _integral(value: Any) -> Any:
    if to_number(value) % 1:
        raise ValueError("write a whole number")
    return value


Score = Annotated[WholeNumber, BeforeValidator(_integral)]
"""A whole number: a score is refused, not cut to size."""


class ScoreRange(HelperConfig):
    """Lowest and highest score."""

    min: Annotated[Score, Within(1, 9), empty_is_default] = Field(default=1, description="Lowest score.")
    max: Annotated[Score, Within(2, 10), empty_is_default] = Field(default=5, description="Highest score.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min >= self.max:
            raise ValueError("score_range: min has to be below max")
        return self


class SegmentTags(HelperConfig):
    """Tag of each segment."""

    champions_tag: OptionalTagRef = Field(default=None, description="Tag of champions.")
    loyal_tag: OptionalTagRef = Field(default=None, description="Tag of loyal customers.")
    at_risk_tag: OptionalTagRef = Field(default=None, description="Tag of customers at risk.")
    hibernating_tag: OptionalTagRef = Field(default=None, description="Tag of hibernating customers.")
    lost_tag: OptionalTagRef = Field(default=None, description="Tag of lost customers.")
    promising_tag: OptionalTagRef = Field(default=None, description="Tag of promising customers.")
    need_attention_tag: OptionalTagRef = Field(default=None, description="Tag of customers who need attention.")


def _destinations(stored: Any) -> Any:
    """Without the metrics that are not saved."""
    if not isinstance(stored, Mapping):
        return stored
    return {metric: field for metric, field in stored.items() if field not in (None, "", "no_save")}


Thresholds = Annotated[
    dict[str, Any],
    Field(json_schema_extra={"properties": {key: {"type": ["number", "string"]} for key in THRESHOLD_KEYS}}),
    null_is_default,
]
"""A value that is no number does not refuse the config: its level cannot be reached (rule 5)."""


class Options(HelperConfig):
    """How scores are made and where results go."""

    score_range: Annotated[ScoreRange, null_is_default] = Field(default=ScoreRange(), description="Default 1 to 5.")
    percentile_based_scoring: Flag = Field(default=False, description="Linear ranges instead of thresholds.")
    recency_calculation: Thresholds = Field(
        default={}, description="Days: 1_2_threshold, 2_3_threshold, 3_4_threshold, 4_5_threshold."
    )
    frequency_calculation: Thresholds = Field(default={}, description="Order counts, the same keys.")
    monetary_calculation: Thresholds = Field(default={}, description="Total spend, the same keys.")
    segment_labels: Flag = Field(default=False, description="Whether the segment's tag is applied.")
    segment_tags: Annotated[SegmentTags, null_is_default] = Field(default=SegmentTags(), description="Tag ids.")
    save_data: Annotated[dict[str, str], BeforeValidator(_destinations), null_is_default] = Field(
        default={},
        description=f"Metric -> contact field. Metrics: {', '.join(METRICS)}.",
        json_schema_extra={"properties": {metric: {"type": "string"} for metric in METRICS}},
    )


class Config(HelperConfig):
    """One key that holds all options."""

    options: Options = Field(description="May be {}.")


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


class RfmCalculation(Helper[Config]):
    """A contact without orders is left alone; scores stand even when some save, tag or goal failed for good."""

    type = "rfm_calculation"
    name = "RFM Calculation"
    category = "analytics"
    description = "Recency, frequency and monetary scores, composite, segment label, segment tags and goals."
    example = Example(
        config={
            "options": {
                "recency_calculation": {"1_2_threshold": 120, "2_3_threshold": 90, "4_5_threshold": 30},
                "frequency_calculation": {"1_2_threshold": 2, "2_3_threshold": 5},
                "monetary_calculation": {"1_2_threshold": 100, "2_3_threshold": 500},
                "save_data": {"rfm_segment_label": "segment"},
            }
        },
        crm={
            "contact": {"id": "c1"},
            "fields": {
                "_related.invoice.sum.TotalPaid": 620,
                "_related.invoice.sum.InvoiceTotal": 700,
                "_related.invoice.count": 6,
                "_related.invoice.last.DateCreated": "2026-01-05T10:00:00Z",
                "_related.invoice.last.InvoiceTotal": 120,
                "_related.invoice.first.DateCreated": "2025-02-01",
                "_related.invoice.first.InvoiceTotal": 80,
            },
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        orders = await _read_orders(ctx)
        if orders.count == 0:
            return HelperOutput.no_op("the contact has no orders")
        result = _calculate(ctx.config.options, orders, ctx.clock.now())
        effects = Effects(ctx, transient_stops=True)
        for metric, field in ctx.config.options.save_data.items():
            value = _metrics(result).get(metric)
            if value is not None:
                await effects.attempt(f"saving {metric}", ctx.write(field, to_text(value)))
        if ctx.config.options.segment_labels:
            await _tag(ctx, effects, result["segment_label"])
        for metric in ("recency", "frequency", "monetary"):
            goal = f"{ctx.helper_id}{metric}{result[f'{metric}_score']}"
            await effects.attempt(f"goal {goal}", ctx.achieve_goal(goal))
        return HelperOutput.ok(
            f"{result['segment_label']} ({result['composite_score']})", modified_data=result, actions=effects.actions
        )


async def _read_orders(ctx: HelperContext[Config]) -> Orders:
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


def _calculate(options: Options, orders: Orders, now: datetime) -> dict[str, Any]:
    low, high = options.score_range.min, options.score_range.max
    spend = Fraction(round_half_away(orders.paid))
    days = _days_since(orders.last_date, now)
    count = Fraction(orders.count)
    if options.percentile_based_scoring:
        recency = low if days is None else rfm_scores.linear_score(Fraction(days), 0, 365, low, high, inverted=True)
        frequency = rfm_scores.linear_score(count, 0, 100, low, high)
        monetary = rfm_scores.linear_score(spend, 0, 10_000, low, high)
    else:

        def by_threshold(value: Fraction, thresholds: Mapping[str, Any], reached: Any) -> int:
            return rfm_scores.threshold_score(value, _thresholds(thresholds), low, high, reached=reached)

        recency = low if days is None else by_threshold(Fraction(days), options.recency_calculation, operator.le)
        frequency = by_threshold(count, options.frequency_calculation, operator.ge)
        monetary = by_threshold(spend, options.monetary_calculation, operator.ge)
    label = rfm_scores.segment(*(rfm_scores.normalised(score, high) for score in (recency, frequency, monetary)))
    result: dict[str, Any] = {
        "recency_score": recency,
        "frequency_score": frequency,
        "monetary_score": monetary,
        "composite_score": recency * 100 + frequency * 10 + monetary,
        "segment_label": label,
        "total_spend": int(spend),
        "total_invoice_amount": int(round_half_away(orders.invoiced)),
        "total_orders": orders.count,
        "average_order_size": int(round_half_away(orders.invoiced / orders.count)),
        "payment_per_order": int(round_half_away(orders.paid / orders.count)),
        "days_since_last_order": days,
        "first_order_date": _date_text(orders.first_date),
        "first_order_value": _value(orders.first_value),
        "last_order_date": _date_text(orders.last_date),
        "last_order_value": _value(orders.last_value),
    }
    if high > 9:
        # Three scores of two digits cannot be told apart in the composite.
        result["composite_label"] = f"{recency}-{frequency}-{monetary}"
    return result


def _metrics(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{metric: result[metric] for metric in METRICS if metric in result},
        "rfm_composite_score": result["composite_score"],
        "rfm_segment_label": result["segment_label"],
        "total_order_value": result["total_spend"],
        "average_order_value": result["average_order_size"],
        "total_order_count": result["total_orders"],
    }


async def _tag(ctx: HelperContext[Config], effects: Effects, label: str) -> None:
    configured = ctx.config.options.segment_tags.model_dump()
    wanted = configured.get(rfm_scores.SEGMENT_TAGS.get(label, ""))
    if wanted is not None:
        await effects.attempt(f"apply tag {wanted}", _labelled(ctx.apply_tag(wanted), wanted, label))
    others = dict.fromkeys(tag for tag in configured.values() if tag is not None and tag != wanted)
    for tag in others:
        if ctx.contact.has_tag(tag):
            await effects.attempt(f"remove tag {tag}", _labelled(ctx.remove_tag(tag), tag, label))


async def _labelled(change: Any, tag: str, label: str) -> Action:
    """The action of a segment tag names the tag and, as its value, the segment."""
    action: Action = await change
    return Action(type=action.type, target=tag, value=label)


def _thresholds(stored: Mapping[str, Any]) -> list[Fraction | None]:
    numbers = [parse_number(stored.get(key)) for key in THRESHOLD_KEYS]
    return [None if number is None else Fraction(number) for number in numbers]


def _days_since(value: Any, now: datetime) -> int | None:
    moment = parse_date(value)
    if moment is None:
        return None
    return max(0, (now - datetime.combine(moment.date(), time(), UTC)).days)


def _date_text(value: Any) -> str | None:
    return to_text(value) or None


def _value(value: Any) -> int | float | None:
    """An order without a value is one over 0, as in the sums; None where the value is no number."""
    if is_empty(value):
        return 0
    number = parse_number(value)
    return None if number is None else json_number(number)
