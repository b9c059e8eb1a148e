"""What a worker says about itself at every flush of its metrics, besides what happened meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.metrics import Metrics
from worker.consumer import Consumer
from worker.permits import Permits


def busy_percent(at_work: Sequence[int], capacity: int) -> float:
    """The share of the message groups that could be at work; ``at_work`` is their number by queue.

    Not the permits in use: a poll holds one as well, so an idle pool uses many. A queue without work keeps one for
    its poll, which nobody else can get.
    """
    idle = sum(1 for groups in at_work if groups == 0)
    return 100 * sum(at_work) / max(1, capacity - idle)


def report(metrics: Metrics, permits: Permits, consumers: Sequence[Consumer], *, worker_name: str) -> None:
    """Set the gauges and write the metric lines."""
    metrics.gauge("PermitsInUse", permits.in_use())
    metrics.gauge("PermitsFree", permits.capacity - permits.in_use())
    if worker_name:
        at_work = [len(consumer.groups) for consumer in consumers]
        metrics.gauge("Busy", busy_percent(at_work, permits.capacity), unit="Percent", Worker=worker_name)
    for outcome in ("completed", "failed"):
        # Zeros as well: an alarm on the share of failures is blind while one of the two series is empty.
        metrics.count("ExecutionsEnded", 0, outcome=outcome)
    for consumer in consumers:
        if len(consumer.in_hand):
            metrics.gauge("MessagesInHand", len(consumer.in_hand), helper_type=consumer.helper_type)
    metrics.flush()
