"""Metrics as CloudWatch embedded metric format: JSON lines on standard output, no agent and no API calls.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Literal

NAMESPACE = "MyFusionHelpers"
# EMF takes at most 100 values for one metric of a line.
MAX_VALUES = 100

Unit = Literal["Count", "Seconds", "Milliseconds", "Bytes", "Percent", "None"]


class Metrics:
    """Collects values and writes them on :meth:`flush`; one line per set of dimensions.

    Values of one metric are kept individually, so CloudWatch can tell percentiles; beyond 100 a new line starts.
    ``gauge`` keeps the last value only, ``count`` the sum.
    """

    def __init__(
        self,
        dimensions: Mapping[str, str] | None = None,
        *,
        write: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.time,
        enabled: bool = True,
    ) -> None:
        self._base = dict(dimensions or {})
        self._write = write or sys.stdout.write
        self._clock = clock
        self._enabled = enabled
        self._sums: defaultdict[tuple[tuple[str, str], ...], dict[str, float]] = defaultdict(dict)
        self._values: defaultdict[tuple[tuple[str, str], ...], dict[str, list[float]]] = defaultdict(dict)
        self._units: dict[str, Unit] = {}
        self.totals: defaultdict[str, float] = defaultdict(float)

    def count(self, name: str, by: float = 1, **dimensions: str) -> None:
        """Add to a counter. ``totals`` keeps the sum of the process, for health and tests."""
        self.totals[name] += by
        sums = self._sums[self._key(dimensions)]
        sums[name] = sums.get(name, 0) + by
        self._units[name] = "Count"

    def gauge(self, name: str, value: float, *, unit: Unit = "Count", **dimensions: str) -> None:
        """Set a level: the last value before a flush is reported."""
        self.totals[name] = value
        self._sums[self._key(dimensions)][name] = value
        self._units[name] = unit

    def observe(self, name: str, value: float, *, unit: Unit = "Milliseconds", **dimensions: str) -> None:
        """Record one value of a distribution (a duration, a batch size)."""
        values = self._values[self._key(dimensions)].setdefault(name, [])
        self._units[name] = unit
        if self._enabled:
            values.append(value)
            if len(values) >= MAX_VALUES:
                self._emit(self._key(dimensions), {name: self._values[self._key(dimensions)].pop(name)})

    def flush(self) -> None:
        """Write what has been collected since the last flush."""
        for key in {*self._sums, *self._values}:
            self._emit(key, {**self._sums.get(key, {}), **self._values.get(key, {})})
        self._sums.clear()
        self._values.clear()

    def _key(self, dimensions: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({**self._base, **dimensions}.items()))

    def _emit(self, key: tuple[tuple[str, str], ...], values: Mapping[str, Any]) -> None:
        present = {name: value for name, value in values.items() if value != []}
        if not self._enabled or not present:
            return
        dimensions = dict(key)
        line = {
            "_aws": {
                "Timestamp": int(self._clock() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": [list(dimensions)],
                        "Metrics": [{"Name": name, "Unit": self._units[name]} for name in present],
                    }
                ],
            },
            **dimensions,
            **present,
        }
        self._write(json.dumps(line, separators=(",", ":")) + "\n")
