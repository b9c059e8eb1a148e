"""The options of rfm_calculation: how scores are made and where results go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from helpers.contract import HelperConfig
from helpers.rules.config_types import (
    Flag,
    OptionalTagRef,
    WholeNumber,
    Within,
    empty_is_default,
    null_is_default,
    to_number,
)

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
