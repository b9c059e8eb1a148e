"""Metrics are CloudWatch EMF lines."""

from __future__ import annotations

import json
from typing import Any

from fleet.metrics import NAMESPACE, Metrics


def lines_of(metrics_use: Any, **options: Any) -> list[dict[str, Any]]:
    written: list[str] = []
    metrics = Metrics({"Service": "worker"}, write=written.append, clock=lambda: 1_700_000_000.5, **options)
    metrics_use(metrics)
    metrics.flush()
    return [json.loads(line) for line in written]


def test_counters_add_and_gauges_keep_the_last_value() -> None:
    """One line for each set of dimensions."""

    def use(metrics: Metrics) -> None:
        metrics.count("Sent")
        metrics.count("Sent", 2)
        metrics.gauge("InFlight", 5)
        metrics.gauge("InFlight", 3)

    (line,) = lines_of(use)

    assert (line["Sent"], line["InFlight"], line["Service"]) == (3, 3, "worker")
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == NAMESPACE
    assert definition["Dimensions"] == [["Service"]]
    assert {entry["Name"] for entry in definition["Metrics"]} == {"Sent", "InFlight"}
    assert line["_aws"]["Timestamp"] == 1_700_000_000_500


def test_a_distribution_keeps_every_value() -> None:
    """So that CloudWatch can tell percentiles; a line takes at most a hundred."""
    lines = lines_of(lambda metrics: [metrics.observe("HandlerTime", value) for value in range(150)])

    assert [len(line["HandlerTime"]) for line in lines] == [100, 50]
    assert lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "HandlerTime", "Unit": "Milliseconds"}]


def test_other_dimensions_are_other_lines() -> None:
    """Handler time by outcome."""
    lines = lines_of(lambda m: (m.observe("T", 1, Outcome="Succeeded"), m.observe("T", 2, Outcome="Failed")))

    assert {(line["Outcome"], line["T"][0]) for line in lines} == {("Succeeded", 1), ("Failed", 2)}


def test_a_flush_starts_anew_but_totals_stay() -> None:
    """Totals are what the health endpoint shows."""
    written: list[str] = []
    metrics = Metrics(write=written.append)
    metrics.count("Sent", 2)
    metrics.flush()
    metrics.flush()
    metrics.count("Sent")

    assert len(written) == 1
    assert metrics.totals["Sent"] == 3


def test_switched_off_nothing_is_written() -> None:
    """On a laptop the lines would only be in the way."""
    assert lines_of(lambda m: (m.count("A"), m.observe("B", 1)), enabled=False) == []
