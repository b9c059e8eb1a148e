"""E-mail engagement as pure functions: spec notification email_engagement rules 2 to 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from helpers.rules.dates import days_before, instant_of


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


def level(score: int, recent: bool, highly_engaged: Fraction, engaged: Fraction) -> str:
    """highly_engaged, engaged or disengaged; both levels need a recent engagement."""
    if recent and score >= highly_engaged:
        return "highly_engaged"
    return "engaged" if recent and score >= engaged else "disengaged"


def segment(score: int, hot: Fraction, warm: Fraction) -> str:
    """hot, warm or cold, whenever the engagement was."""
    if score >= hot:
        return "hot"
    return "warm" if score >= warm else "cold"


def trend_of_events(events: Sequence[Any], weights: Mapping[str, Fraction], now: datetime, days: Fraction) -> str:
    """The weighted events of the last ``days`` against those of the ``days`` before."""
    middle, start = days_before(now, days), days_before(now, 2 * days)
    recent = earlier = Fraction(0)
    for event in events:
        if not isinstance(event, Mapping):
            continue
        weight = weights.get(str(event.get("type")), Fraction(0))
        at = instant_of(event.get("at"))
        if at is None:
            continue
        if middle < at <= now:
            recent += weight
        elif start < at <= middle:
            earlier += weight
    if recent == earlier:
        return "stable"
    return "increasing" if recent > earlier else "decreasing"


def trend_of_last(last: datetime | None, score: int, now: datetime, days: Fraction) -> str:
    """Without history: by the last engagement alone."""
    if last is None or score <= 0:
        return "stable"
    return "increasing" if last > days_before(now, days) else "decreasing"
