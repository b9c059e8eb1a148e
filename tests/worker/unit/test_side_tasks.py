"""Scale-in protection, control documents, watchdogs, run counter: what runs beside the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from fleet.health_server import HealthServer
from fleet.metrics import Metrics
from fleet.service import Process, SideTaskDied
from worker.control import Control, ControlWatch
from worker.protection import EcsAgent, Protection
from worker.run_counter import RunCounter
from worker.watchdog import MemoryLimitReached, MemoryWatch, resident_megabytes

MakeRig = Callable[..., Awaitable[Any]]


class Agent:
    """A fake of the ECS agent: records the calls, fails or hangs when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, bool]] = []
        self.failing = self.hanging = False

    async def set(self, enabled: bool, expires_in_minutes: int) -> None:
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise ConnectionError("DEPLOYMENT_BLOCKED")
        self.calls.append((asyncio.get_running_loop().time(), enabled))


async def protected(agent: Agent, *, idle_seconds: float = 5) -> tuple[Protection, asyncio.Task[None]]:
    protection = Protection(agent, Metrics(enabled=False), expires_in_minutes=60, idle_seconds=idle_seconds)
    return protection, asyncio.create_task(protection.run())


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_protection_follows_the_edges_only() -> None:
    """On when the first group starts, off when the worker was idle for a while; nothing in between."""
    agent = Agent()
    protection, task = await protected(agent)
    for busy in (True, True, False, True, True, False):
        protection.busy(busy)
        await asyncio.sleep(1)
    await asyncio.sleep(10)

    assert [enabled for _, enabled in agent.calls] == [True, False]
    await end(task)


async def test_a_busy_worker_renews_its_protection_before_it_ends() -> None:
    """Every half of its life."""
    agent = Agent()
    protection, task = await protected(agent)
    protection.busy(True)
    await asyncio.sleep(3700)

    assert [enabled for _, enabled in agent.calls] == [True, True, True]
    await end(task)


async def test_a_failed_protection_is_tried_again() -> None:
    """One failure does not switch the feature off."""
    agent = Agent()
    agent.failing = True
    protection, task = await protected(agent)
    protection.busy(True)
    await asyncio.sleep(5)
    agent.failing = False
    await asyncio.sleep(20)

    assert [enabled for _, enabled in agent.calls] == [True]
    await end(task)


async def test_an_agent_that_hangs_delays_nothing() -> None:
    """busy() returns at once and the call is bounded to seconds."""
    agent = Agent()
    agent.hanging = True
    protection, task = await protected(agent)
    protection.busy(True)
    await asyncio.sleep(4)
    agent.hanging = False
    await asyncio.sleep(20)

    assert len(agent.calls) == 1
    await end(task)


async def test_a_worker_that_was_never_busy_is_never_protected() -> None:
    """Idle tasks may be scaled in at any time."""
    agent = Agent()
    _protection, task = await protected(agent)
    await asyncio.sleep(1000)

    assert agent.calls == []
    await end(task)


@pytest.mark.parametrize(
    ("status", "body", "accepted"),
    [
        (200, {"protection": {"ProtectionEnabled": True}}, True),
        (200, {"failure": {"Reason": "DEPLOYMENT_BLOCKED"}}, False),
        (400, {"error": {"Code": "TaskNotValid"}}, False),
    ],
)
async def test_the_agent_is_asked_as_ecs_documents_it(status: int, body: dict[str, Any], accepted: bool) -> None:
    """PUT task-protection/v1/state; a failure inside a 200 counts as one."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        agent = EcsAgent(client, "http://169.254.170.2/api/abc")
        if accepted:
            await agent.set(True, 60)
        else:
            with pytest.raises(ConnectionError):
                await agent.set(True, 60)

    assert str(seen[0].url) == "http://169.254.170.2/api/abc/task-protection/v1/state"
    assert json.loads(seen[0].content) == {"ProtectionEnabled": True, "ExpiresInMinutes": 60}


class Parameters:
    """A fake of SSM with control documents by type."""

    class exceptions:  # noqa: N801 - as on the client
        class ParameterNotFound(Exception):
            """Not there."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}

    async def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803 - SSM's name
        try:
            return {"Parameter": {"Value": self.documents[Name.rpartition("/")[2]]}}
        except KeyError:
            raise self.exceptions.ParameterNotFound from None

    async def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        names = sorted(self.documents)
        start = int(request.get("NextToken", 0))
        page = [{"Name": f"/mfh/dev/control/{name}", "Value": self.documents[name]} for name in names[start:][:10]]
        more = {"NextToken": str(start + 10)} if start + 10 < len(names) else {}
        return {"Parameters": page, **more}


def watch(ssm: Any, types: list[str], applied: list[tuple[str, Control]]) -> ControlWatch:
    return ControlWatch(ssm, "dev", types, lambda name, control: applied.append((name, control)), seconds=10)


async def test_a_control_document_is_applied_once_and_its_end_restores_the_settings() -> None:
    """Each change is reported once."""
    ssm, applied = Parameters(), []
    watching = watch(ssm, ["tag_it"], applied)
    await watching.look()
    ssm.documents["tag_it"] = '{"paused": true, "concurrency": 5}'
    await watching.look()
    await watching.look()
    del ssm.documents["tag_it"]
    await watching.look()

    assert [control.maximum for _, control in applied] == [0, None]


async def test_a_pool_reads_all_documents_by_path() -> None:
    """Page by page; documents of other types are ignored."""
    ssm, applied = Parameters(), []
    ssm.documents = {f"type_{n:02d}": '{"concurrency": 3}' for n in range(25)}
    await watch(ssm, ["type_24", "other"], applied).look()

    assert applied == [("type_24", Control(concurrency=3))]


@pytest.mark.parametrize("text", ["nonsense", '{"paused": "perhaps"}', '{"concurrency": 0}', "[]"])
async def test_a_bad_control_document_changes_nothing(text: str) -> None:
    """It is logged; what was in force stays in force."""
    ssm, applied = Parameters(), []
    watching = watch(ssm, ["tag_it"], applied)
    ssm.documents["tag_it"] = '{"paused": true}'
    await watching.look()
    ssm.documents["tag_it"] = text
    await watching.look()

    assert len(applied) == 1


async def test_a_pause_stops_the_polling_of_its_queue(make_rig: MakeRig) -> None:
    """Nothing is received while the limit is 0; the work goes on when it is lifted."""
    rig = await make_rig()
    rig.permits.limit("probe", 0)
    await rig.send("1")
    rig.start()
    await asyncio.sleep(30)
    assert rig.calls("ReceiveMessage") == []
    rig.permits.limit("probe", None)
    await rig.until_empty()

    assert rig.item("1").status == "completed"
    await rig.drain()


async def test_a_dead_side_task_stops_the_process_with_a_failure() -> None:
    """A worker without its heartbeat must not go on."""
    process = Process(HealthServer("worker", "127.0.0.1", 0))

    async def die() -> None:
        raise ValueError("boom")

    process.side_task("heartbeat", die())
    await process.stopping.wait()

    assert isinstance(process.failure, SideTaskDied)
    assert "heartbeat" in str(process.failure)
    await process.close()


async def test_a_leak_ends_the_worker_in_order() -> None:
    """At the limit the process is asked to drain, with a failure, once."""
    failures: list[BaseException] = []
    task = asyncio.create_task(MemoryWatch(1, failures.append).run())
    await asyncio.sleep(60)

    assert [type(failure) for failure in failures] == [MemoryLimitReached]
    assert resident_megabytes() > 1
    await end(task)


class Stored:
    """A fake of the helpers table."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []
        self.failing = False

    async def count_run(self, helper_id: str, runs: int = 1) -> None:
        if self.failing:
            raise ConnectionError("throttled")
        self.counted.append((helper_id, runs))


async def test_runs_are_counted_with_one_write_per_helper() -> None:
    """And what could not be written is written later."""
    stored = Stored()
    counter = RunCounter(stored)  # type: ignore[arg-type]
    for helper_id in ("helper:a", "helper:a", "helper:b", ""):
        counter.count(helper_id)
    stored.failing = True
    await counter.flush()
    stored.failing = False
    counter.count("helper:a")
    await counter.flush()

    assert stored.counted == [("helper:a", 3), ("helper:b", 1)]


async def test_the_last_flush_waits_for_the_one_under_way() -> None:
    """The drain flushes once more and then ends the side task: what that one still writes would be lost."""
    gate = asyncio.Event()

    class SlowHelpers:
        counted: list[str] = []  # noqa: RUF012 - one instance

        async def count_run(self, helper_id: str, _runs: int) -> None:
            await gate.wait()
            self.counted.append(helper_id)

    stored = SlowHelpers()
    counter = RunCounter(stored)  # type: ignore[arg-type]
    counter.count("helper:a")
    counter.count("helper:b")
    side_task = asyncio.create_task(counter.flush())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(1, gate.set)

    await counter.last_flush()
    await end(side_task)

    assert stored.counted == ["helper:a", "helper:b"]


async def test_the_last_flush_waits_for_no_outage() -> None:
    """A statistic must not hold up the end of a worker."""

    class DeadHelpers:
        async def count_run(self, _helper_id: str, _runs: int) -> None:
            await asyncio.Event().wait()

    counter = RunCounter(DeadHelpers())  # type: ignore[arg-type]
    counter.count("helper:a")

    await asyncio.wait_for(counter.last_flush(), 6)
