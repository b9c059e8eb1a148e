"""The queue directory: read once, refreshed on a miss and on a timer."""

from __future__ import annotations

from typing import Any

import pytest

from fleet import names
from fleet.clock import SystemClock
from fleet.queues import MISS_REFRESH_SECONDS, REFRESH_SECONDS, QueueDirectory


class ManualClock(SystemClock):
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class Parameters:
    """SSM as far as the directory uses it: pages of two, and failures on request."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.reads = 0
        self.failing = False

    def add(self, helper_type: str) -> None:
        self.values[names.queue_url_parameter("dev", helper_type)] = f"url/{helper_type}"
        self.values[names.dead_letter_queue_url_parameter("dev", helper_type)] = f"dlq/{helper_type}"

    async def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        if self.failing:
            raise ConnectionError("SSM is away")
        start = int(request.get("NextToken", 0))
        self.reads += start == 0
        entries = [{"Name": key, "Value": value} for key, value in self.values.items()][start : start + 2]
        answer: dict[str, Any] = {"Parameters": entries}
        if start + 2 < len(self.values):
            answer["NextToken"] = str(start + 2)
        return answer


@pytest.fixture
def ssm() -> Parameters:
    parameters = Parameters()
    for helper_type in ("tag_it", "copy_it", "merge_it"):
        parameters.add(helper_type)
    return parameters


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def directory(ssm: Parameters, clock: ManualClock) -> QueueDirectory:
    return QueueDirectory(ssm, "dev", clock=clock)  # type: ignore[arg-type]


async def test_all_pages_are_read_once(directory: QueueDirectory, ssm: Parameters) -> None:
    """Any number of look-ups costs one read of the path."""
    assert await directory.url("merge_it") == "url/merge_it"
    assert await directory.dead_letter_url("merge_it") == "dlq/merge_it"
    assert await directory.types() == ["copy_it", "merge_it", "tag_it"]
    assert ssm.reads == 1


async def test_a_type_added_later_is_found_without_a_restart(
    directory: QueueDirectory, ssm: Parameters, clock: ManualClock
) -> None:
    """A miss reads again, but a flood of misses does not flood SSM."""
    await directory.url("tag_it")
    ssm.add("math_it")
    for _ in range(100):
        assert await directory.url("math_it") is None
    assert ssm.reads == 1

    clock.seconds += MISS_REFRESH_SECONDS
    assert await directory.url("math_it") == "url/math_it"
    assert ssm.reads == 2


async def test_a_changed_url_is_seen_after_the_refresh_interval(
    directory: QueueDirectory, ssm: Parameters, clock: ManualClock
) -> None:
    """Five minutes."""
    await directory.url("tag_it")
    ssm.values[names.queue_url_parameter("dev", "tag_it")] = "url/new"

    clock.seconds += REFRESH_SECONDS - 1
    assert await directory.url("tag_it") == "url/tag_it"
    clock.seconds += 1
    assert await directory.url("tag_it") == "url/new"


async def test_known_queues_stay_known_while_ssm_is_away(
    directory: QueueDirectory, ssm: Parameters, clock: ManualClock
) -> None:
    """Only a start without SSM fails."""
    await directory.url("tag_it")
    ssm.failing = True
    clock.seconds += REFRESH_SECONDS

    assert await directory.url("tag_it") == "url/tag_it"


async def test_a_start_without_ssm_fails(directory: QueueDirectory, ssm: Parameters) -> None:
    """Loudly: nothing could be routed."""
    ssm.failing = True

    with pytest.raises(ConnectionError):
        await directory.url("tag_it")
