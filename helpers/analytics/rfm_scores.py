"""RFM scoring as pure functions: spec analytics rfm_calculation rules 5 to 9."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

# Thresholds of the levels 2, 3, 4 and 5; None = that level cannot be reached.
Thresholds = Sequence[Fraction | None]

SEGMENT_TAGS = {
    "Champions": "champions_tag",
    "Loyal": "loyal_tag",
    "Promising": "promising_tag",
    "At Risk": "at_risk_tag",
    "Hibernating": "hibernating_tag",
    "Lost": "lost_tag",
    "Need Attention": "need_attention_tag",
}


def threshold_score(
    value: Fraction, thresholds: Thresholds, low: int, high: int, *, reached: Callable[[Fraction, Fraction], bool]
) -> int:
    """The score by levels: the last threshold that is reached wins; without any it is ``low``."""
    level = 1
    for number, threshold in enumerate(thresholds, start=2):
        if threshold is not None and reached(value, threshold):
            level = number
    if level == 1:
        return low
    if (low, high) == (1, 5):
        return level
    return max(low, min(high, low + ((level - 1) * (high - low)) // 4))


def linear_score(value: Fraction, first: int, last: int, low: int, high: int, *, inverted: bool = False) -> int:
    """The score by position between ``first`` and ``last``; ``inverted`` where less is better."""
    if value <= first:
        return high if inverted else low
    if value >= last:
        return low if inverted else high
    position = (value - first) / (last - first)
    if inverted:
        position = 1 - position
    return low + math.floor(position * (high - low))


def normalised(score: int, high: int) -> int:
    """A score on the scale of 1 to 5."""
    return score if high == 5 else max(1, min(5, 1 + ((score - 1) * 4) // (high - 1)))


def segment(recency: int, frequency: int, monetary: int) -> str:
    """The segment of normalised scores; the first rule that fits."""
    scores = (recency, frequency, monetary)
    if all(score == 5 for score in scores):
        return "Champions"
    if all(score >= 4 for score in scores):
        return "Loyal"
    if recency in (3, 4) and frequency <= 2 and monetary <= 2:
        return "Promising"
    if recency in (2, 3) and frequency in (2, 3) and monetary >= 4:
        return "At Risk"
    if recency <= 2 and frequency <= 2 and monetary in (2, 3):
        return "Hibernating"
    if recency == 1 and frequency == 1 and monetary <= 2:
        return "Lost"
    if all(score in (2, 3) for score in scores):
        return "Need Attention"
    return "Other"
