"""E-mail engagement: what events are worth, and the levels, segments and trends (spec email_engagement, rules 2 to 7).

Models of the config's sections, each with the rule that its figures are for. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from helpers.contract import HelperConfig
from helpers.rules.config_types import ExactNumber, Flag, OptionalTagRef, default_when, empty_is_default, to_number
from helpers.rules.dates import days_before
from helpers.rules.email_history import EmailEvent


def _is_not_positive(value: Any) -> bool:
    try:
        return to_number(value) <= 0
    except ValueError:
        return False


Days = Annotated[ExactNumber, default_when(_is_not_positive), empty_is_default]
"""A number of days; zero and less is the default."""
Weight = Annotated[ExactNumber, empty_is_default]


class Weights(HelperConfig):
    """What an event is worth."""

    opens: Weight = Field(default=Decimal(1), description="Weight of an open.")
    clicks: Weight = Field(default=Decimal(3), description="Weight of a click.")
    sends: Weight = Field(default=Decimal(1), description="Weight of a send, for engagement_type sends only.")


class Thresholds(HelperConfig):
    """Scores from which a level holds."""

    highly_engaged: Weight = Field(default=Decimal(5), description="Score of highly_engaged.")
    engaged: Weight = Field(default=Decimal(2), description="Score of engaged.")

    def level(self, score: int, *, recent: bool) -> str:
        """highly_engaged, engaged or disengaged; both levels need a recent engagement."""
        if recent and score >= self.highly_engaged:
            return "highly_engaged"
        return "engaged" if recent and score >= self.engaged else "disengaged"


class Segments(HelperConfig):
    """Scores from which a segment holds."""

    hot_threshold: Weight = Field(default=Decimal(10), description="Score of hot.")
    warm_threshold: Weight = Field(default=Decimal(5), description="Score of warm.")

    def segment(self, score: int) -> str:
        """hot, warm or cold, whenever the engagement was."""
        if score >= self.hot_threshold:
            return "hot"
        return "warm" if score >= self.warm_threshold else "cold"


class TrendAnalysis(HelperConfig):
    """Comparison of two periods."""

    enabled: Flag = Field(default=False, description="Whether the trend is found.")
    comparison_days: Days = Field(default=Decimal(30), description="Length of each period.")

    def of_events(self, events: Iterable[EmailEvent], weights: Mapping[str, Fraction], now: datetime) -> str:
        """The weighted events of the last period against those of the period before; ``weights`` by event kind."""
        days = Fraction(self.comparison_days)
        middle, start = days_before(now, days), days_before(now, 2 * days)
        recent = earlier = Fraction(0)
        for event in events:
            weight = weights.get(event.kind, Fraction(0))
            if middle < event.at <= now:
                recent += weight
            elif start < event.at <= middle:
                earlier += weight
        if recent == earlier:
            return "stable"
        return "increasing" if recent > earlier else "decreasing"

    def of_last(self, last: datetime | None, score: int, now: datetime) -> str:
        """Without history: by the last engagement alone."""
        if last is None or score <= 0:
            return "stable"
        return "increasing" if last > days_before(now, self.comparison_days) else "decreasing"


class Tags(HelperConfig):
    """Tag of each level and segment."""

    highly_engaged_tag: OptionalTagRef = Field(default=None, description="Tag of level highly engaged.")
    engaged_tag: OptionalTagRef = Field(default=None, description="Tag of level engaged.")
    disengaged_tag: OptionalTagRef = Field(default=None, description="Tag of level disengaged.")
    hot_segment_tag: OptionalTagRef = Field(default=None, description="Tag of segment hot.")
    warm_segment_tag: OptionalTagRef = Field(default=None, description="Tag of segment warm.")
    cold_segment_tag: OptionalTagRef = Field(default=None, description="Tag of segment cold.")

    def of_level(self, level: str) -> str | None:
        """The tag of the level, where one is configured."""
        tag: str | None = getattr(self, f"{level}_tag")
        return tag

    def of_segment(self, segment: str) -> str | None:
        """The tag of the segment, where one is configured."""
        tag: str | None = getattr(self, f"{segment}_segment_tag")
        return tag

    def all(self) -> list[str]:
        """Every configured tag once, in the order of the keys."""
        return list(dict.fromkeys(tag for tag in self.model_dump().values() if tag is not None))


def decayed_score(base: Fraction, last: datetime | None, now: datetime, decay_days: Fraction) -> int:
    """The integer part of the base score after decay by age; half of it is left at ``decay_days`` and after."""
    days = 0 if last is None else (now - last) // timedelta(days=1)
    if last is None or days <= 0:
        factor = Fraction(1)
    elif days <= decay_days:
        factor = 1 - Fraction(days) / (2 * decay_days)
    else:
        factor = Fraction(1, 2)
    return int(base * factor)
