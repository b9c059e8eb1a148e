"""What rfm_calculation finds out: scores, segment and order figures. Pure (spec analytics rfm_calculation)."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from helpers.analytics import rfm_scores
from helpers.analytics.orders import Orders
from helpers.analytics.rfm_options import METRICS, THRESHOLD_KEYS, Options
from helpers.rules.empty import is_empty
from helpers.rules.numbers import json_number, parse_number, round_half_away
from helpers.rules.text import to_text


def calculate(options: Options, orders: Orders, now: datetime) -> dict[str, Any]:
    """The published figures of a contact with at least one order; ``None`` where the CRM gave nothing to read."""
    high = options.score_range.max
    spend, days = Fraction(round_half_away(orders.paid)), orders.days_since_last(now)
    scores = _scores(options, days, Fraction(orders.count), spend)
    recency, frequency, monetary = scores
    label = rfm_scores.segment(*(rfm_scores.normalised(score, high) for score in scores))
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


def metrics(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same figures by the names under which save_data knows them."""
    return {
        **{metric: result[metric] for metric in METRICS if metric in result},
        "rfm_composite_score": result["composite_score"],
        "rfm_segment_label": result["segment_label"],
        "total_order_value": result["total_spend"],
        "average_order_value": result["average_order_size"],
        "total_order_count": result["total_orders"],
    }


def _scores(options: Options, days: int | None, count: Fraction, spend: Fraction) -> tuple[int, int, int]:
    """Recency, frequency and monetary score; without a readable date recency is the lowest."""
    low, high = options.score_range.min, options.score_range.max
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
    return recency, frequency, monetary


def _thresholds(stored: Mapping[str, Any]) -> list[Fraction | None]:
    numbers = [parse_number(stored.get(key)) for key in THRESHOLD_KEYS]
    return [None if number is None else Fraction(number) for number in numbers]


def _date_text(value: Any) -> str | None:
    return to_text(value) or None


def _value(value: Any) -> int | float | None:
    """An order without a value is one over 0, as in the sums; None where the value is no number."""
    if is_empty(value):
        return 0
    number = parse_number(value)
    return None if number is None else json_number(number)
