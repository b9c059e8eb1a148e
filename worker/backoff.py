"""How long a failed execution waits: exponential backoff with full jitter."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

# Longer is as good as never, and dates end: a Retry-After may be any number.
LONGEST_DELAY_SECONDS = 366 * 86_400

Uniform = Callable[[float, float], float]


def full_jitter(attempt: int, base: float, cap: float, *, uniform: Uniform = random.uniform) -> float:
    """Seconds before the attempt after ``attempt`` (1 = the first): uniform in [0, base * 2^(attempt-1)], capped.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    # The exponent is bounded so that a large attempt number cannot overflow a float.
    return uniform(0.0, min(cap, base * 2.0 ** min(attempt - 1, 60)))


def retry_delay(
    attempt: int, base: float, cap: float, retry_after: float | None, *, uniform: Uniform = random.uniform
) -> int:
    """Whole seconds, as SQS counts visibility; never less than the other side's Retry-After, never zero.

    A Retry-After of more than a year counts as a year.
    """
    jittered = full_jitter(attempt, base, cap, uniform=uniform)
    return max(1, math.ceil(max(jittered, min(retry_after or 0.0, LONGEST_DELAY_SECONDS))))
