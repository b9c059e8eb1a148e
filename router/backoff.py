"""How long to wait after the n-th failure in a row."""

from __future__ import annotations

import random


def full_jitter(attempt: int, *, base_seconds: float = 0.05, cap_seconds: float = 5.0) -> float:
    """Anything up to ``base * 2**(attempt - 1)``, at most ``cap_seconds``; the first failure is attempt 1.

    Never less than a tenth of that, so that a lucky draw is no busy loop.
    """
    ceiling = min(cap_seconds, base_seconds * 2 ** (min(attempt, 30) - 1))
    return random.uniform(ceiling / 10, ceiling)


def spread(seconds: float, *, by: float = 0.2) -> float:
    """A period with jitter: routers that started together do not stay in step."""
    return seconds * random.uniform(1 - by, 1 + by)
