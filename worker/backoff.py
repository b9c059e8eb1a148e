"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable


def full_jitter(
    attempt: int, *, base_seconds: float, cap_seconds: float, draw: Callable[[], float] = random.random
) -> float:
    """Exponential backoff with full jitter: uniform between 0 and ``min(cap, base * 2^(attempt-1))``.

    ``attempt`` counts from 1. Full jitter spreads retries of a failed service best:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    exponent = min(max(attempt, 1) - 1, 32)  # 2^32 is over any cap and keeps the power finite
    ceiling: float = min(cap_seconds, base_seconds * 2**exponent)
    return ceiling * draw()


def retry_delay(
    attempt: int,
    retry_after: float | None,
    *,
    base_seconds: float,
    cap_seconds: float,
    draw: Callable[[], float] = random.random,
) -> float:
    """The wait before the next attempt: what the service asked for if that is longer, else the backoff.

    SQS knows whole seconds, at most 12 hours; one second at least keeps a failing group from spinning.
    """
    wait = full_jitter(attempt, base_seconds=base_seconds, cap_seconds=cap_seconds, draw=draw)
    return min(max(wait, retry_after or 0.0, 1.0), 43_200.0)
