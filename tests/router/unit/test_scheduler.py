"""Due executions start in order, once, by one router, and soon."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from fleet.clock import instant_text
from fleet.testing.virtual_time import EPOCH, LoopClock
from router.leases import SCHEDULER_KEY
from router.testing import Simulation
from router.testing.simulation import SETTINGS

SOON = SETTINGS.model_copy(update={"router_schedule_poll_seconds": 0.5})


def schedule(simulation: Simulation, number: int, seconds: float, *, contact: str = "", **values: Any) -> str:
    """An execution that falls due ``seconds`` from the beginning."""
    execution_id = f"exec:s{number:06d}"
    simulation.table.put(
        {
            "execution_id": execution_id,
            "helper_type": "tag_it",
            "account_id": "a",
            "contact_id": contact or f"c{number}",
            "status": "scheduled",
            "not_before": instant_text(EPOCH + timedelta(seconds=seconds)),
            "schedule_bucket": "scheduled#0",
            **values,
        }
    )
    return execution_id


def schedulers(simulation: Simulation) -> list[str]:
    return [name for name, node in simulation.nodes.items() if SCHEDULER_KEY in node.router.coordinator.holdings]


async def test_a_scheduled_execution_is_dispatched_at_its_time(simulation: Simulation) -> None:
    """Not before, and within two seconds."""
    simulation.settings = SOON
    simulation.start()
    execution_id = schedule(simulation, 1, 30)
    await asyncio.sleep(29.9)
    assert simulation.delivered() == []
    await asyncio.sleep(2.1)

    assert simulation.delivered() == [execution_id]


async def test_one_router_schedules_and_another_takes_over(simulation: Simulation) -> None:
    """Elected by a lease, like a shard."""
    simulation.settings = SOON
    for _ in range(3):
        simulation.start()
    await asyncio.sleep(10)
    (first,) = schedulers(simulation)
    await simulation.kill(first)
    execution_id = schedule(simulation, 1, 11)
    await asyncio.sleep(SETTINGS.router_failover_seconds + 5)

    (second,) = schedulers(simulation)
    assert second != first
    assert simulation.executions.started == [execution_id]


async def test_a_stopped_scheduler_hands_over_without_the_failover_time(simulation: Simulation) -> None:
    """SIGTERM frees the lease."""
    simulation.start()
    simulation.start()
    await asyncio.sleep(5)
    (first,) = schedulers(simulation)
    await simulation.stop(first)
    await asyncio.sleep(3)

    assert len(schedulers(simulation)) == 1


async def test_nothing_starts_twice_while_two_believe_they_are_the_scheduler(simulation: Simulation) -> None:
    """One was paused and comes back: the conditional write decides."""
    simulation.settings = SOON
    for number in range(200):
        schedule(simulation, number, 10 + number / 10)
    first, second = simulation.start(), simulation.start()
    await asyncio.sleep(12)
    paused = simulation.nodes[schedulers(simulation)[0]]
    paused.pause()
    await asyncio.sleep(30)
    paused.resume()
    await asyncio.sleep(30)

    assert {first.name, second.name} == set(simulation.nodes)
    assert len(simulation.executions.started) == len(set(simulation.executions.started)) == 200
    assert len(set(simulation.delivered())) == len(simulation.sqs.sent) == 200


async def test_ten_thousand_due_at_once_start_in_order_of_not_before(simulation: Simulation) -> None:
    """All begin in that order; within a contact the order is exact up to the queue."""
    simulation.settings = SOON.model_copy(update={"router_page_records": 1000})
    numbers = list(range(10_000))
    for number in numbers:
        # Whole seconds, as they are stored: instants 5 h apart to the first.
        schedule(simulation, number, -10_000 + number, contact=f"c{number % 100}")
    simulation.start()
    async with asyncio.timeout(120):
        while len(simulation.sqs.delivered) < len(numbers):  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(1)

    started = [int(execution_id.removeprefix("exec:s")) for execution_id in simulation.executions.started]
    displacement = max(abs(number - place) for place, number in enumerate(started))
    assert displacement < SETTINGS.router_schedule_concurrency
    by_contact: defaultdict[int, list[int]] = defaultdict(list)
    for execution_id in simulation.delivered():
        number = int(execution_id.removeprefix("exec:s"))
        by_contact[number % 100].append(number)
    assert all(order == sorted(order) for order in by_contact.values())
    assert sum(map(len, by_contact.values())) == 10_000


async def test_a_start_that_fails_holds_back_the_rest_of_its_contact(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the second would run before the first."""
    simulation.settings = SOON
    ids = [schedule(simulation, number, number, contact="c") for number in range(3)]
    queue_due = simulation.executions.queue_due
    failures = [TimeoutError()]

    async def flaky(execution_id: str) -> None:
        if execution_id == ids[0] and failures:
            raise failures.pop()
        await queue_due(execution_id)

    monkeypatch.setattr(simulation.executions, "queue_due", flaky)
    await asyncio.sleep(3)
    simulation.start()
    await asyncio.sleep(10)

    assert simulation.executions.started == ids


async def test_an_index_that_does_not_answer_is_asked_again(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a scheduler that cannot look for long is unhealthy."""
    node = simulation.start()
    await asyncio.sleep(1)

    async def fail(*_: Any) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(simulation.executions, "due", fail)
        await asyncio.sleep(SETTINGS.router_stall_seconds + 10)
        assert not node.router.health().healthy
    execution_id = schedule(simulation, 1, 1)
    await asyncio.sleep(10)

    assert node.router.health().healthy
    assert simulation.executions.started == [execution_id]


async def test_what_was_cancelled_meanwhile_is_not_started(simulation: Simulation) -> None:
    """The index still shows it, the conditional write refuses."""
    simulation.settings = SOON
    cancelled = schedule(simulation, 1, 1, status="cancelled")
    schedule(simulation, 2, 1)
    simulation.start()
    await asyncio.sleep(10)

    assert cancelled not in simulation.executions.started
    assert simulation.executions.started == ["exec:s000002"]


async def test_lateness_is_measured(simulation: Simulation) -> None:
    """For the p99 that the fleet promises."""
    simulation.settings = SOON
    node = simulation.start()
    for number in range(50):
        schedule(simulation, number, 5 + number % 7)
    await asyncio.sleep(20)

    assert node.metrics.totals["ExecutionsDue"] == 50
    assert LoopClock().monotonic() >= 20
