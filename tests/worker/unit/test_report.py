"""The gauges of a worker: what scales it, and what the alarm on failures divides by."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fleet.metrics import Metrics
from worker.consumer import Consumer
from worker.permits import Permits
from worker.report import busy_percent, report


def consumer(helper_type: str, *, groups: int = 0, in_hand: int = 0) -> Consumer:
    """As much of a consumer as a report reads."""
    return cast("Consumer", SimpleNamespace(helper_type=helper_type, groups=[()] * groups, in_hand=[()] * in_hand))


def lines(consumers: list[Consumer], *, worker_name: str = "pool-contact", capacity: int = 10) -> list[dict[str, Any]]:
    written: list[str] = []
    metrics = Metrics({"Service": "worker"}, write=written.append)
    permits = Permits(capacity, [each.helper_type for each in consumers])
    report(metrics, permits, consumers, worker_name=worker_name)
    return [json.loads(line) for line in written]


@pytest.mark.parametrize(
    ("at_work", "capacity", "percent"),
    [
        ([0, 0, 0], 10, 0),
        ([8, 0, 0], 10, 100),  # two queues keep a permit each for their poll
        ([5, 5, 0], 11, 100),
        ([2, 2], 8, 50),
        ([0, 0], 2, 0),  # as many queues as permits
        ([1, 0], 2, 100),
    ],
)
def test_busy_is_the_share_of_the_groups_that_could_be_at_work(
    at_work: list[int], capacity: int, percent: float
) -> None:
    assert busy_percent(at_work, capacity) == percent


def test_the_metric_that_scales_a_pool_bears_its_name() -> None:
    """Terraform's target tracking asks for exactly these dimensions."""
    busy = [line for line in lines([consumer("a", groups=9), consumer("b")]) if "Busy" in line]

    assert [(line["Busy"], line["Worker"]) for line in busy] == [(100, "pool-contact")]
    assert busy[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Service", "Worker"]]


def test_a_worker_without_a_name_scales_nothing() -> None:
    """On a laptop nobody reads the metric."""
    assert not any("Busy" in line for line in lines([consumer("a", groups=1)], worker_name=""))


def test_both_outcomes_are_reported_when_nothing_ended() -> None:
    """The share of failures is computed from two series; neither may be empty."""
    ended = {line["outcome"]: line["ExecutionsEnded"] for line in lines([consumer("a")]) if "outcome" in line}

    assert ended == {"completed": 0, "failed": 0}


def test_messages_in_hand_are_reported_by_type_where_there_are_any() -> None:
    """An idle type costs no metric."""
    found = {
        line["helper_type"]: line["MessagesInHand"]
        for line in lines([consumer("a", in_hand=3), consumer("b")])
        if "MessagesInHand" in line
    }

    assert found == {"a": 3}
