"""Random histories of a whole fleet: whatever happens, every record is dispatched, in order, and none is lost.

The number of histories is ROUTER_HISTORIES (default 2,000); a failing one is printed as a program of steps, and
becomes a named test in test_fleet_*.py.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fleet.testing.streams.faults import CONNECTION_RESET
from fleet.testing.virtual_time import VirtualTimeLoop
from router.leases import SHARD_END
from router.testing import Simulation

HISTORIES = int(os.environ.get("ROUTER_HISTORIES", "2000"))
MAX_ROUTERS = 3
MAX_OPEN_SHARDS = 4

groups = st.integers(0, 5).map("contact-{}".format)
seconds = st.sampled_from([0.05, 0.3, 1.0, 3.0, 12.0, 35.0])
which = st.integers(0, 5)
read_errors = st.sampled_from(
    [
        "LimitExceededException",
        "InternalServerError",
        "ExpiredIteratorException",
        "ThrottlingException",
        CONNECTION_RESET,
    ]
)

send_faults = st.sampled_from(["throttled", "entries", "lost", "unanswered", "unanswered_half"])


class Histories(RuleBasedStateMachine):
    """The steps a history is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(coroutine)

    @initialize(routers=st.integers(1, MAX_ROUTERS), latency=st.sampled_from([0.0, 0.02, 0.4]))
    def begin(self, routers: int, latency: float) -> None:
        async def start() -> None:
            self.simulation = Simulation()
            self.simulation.sqs.latency_seconds = self.simulation.table.faults.latency_seconds = latency
            self.simulation.leases.latency_seconds = latency
            for _ in range(routers):
                self.simulation.start()

        self.run(start())

    def node(self, number: int) -> str:
        names = sorted(self.simulation.nodes)
        return names[number % len(names)]

    # the world ------------------------------------------------------------------------------------------
    @rule(chosen=st.lists(groups, min_size=1, max_size=8), helper_type=st.sampled_from(["tag_it", "tag_it", "copy_it"]))
    def insert(self, chosen: list[str], helper_type: str) -> None:
        async def insert() -> None:
            for group in chosen:
                self.simulation.insert(group, helper_type=helper_type)

        self.run(insert())

    @rule(group=groups)
    def insert_poison(self, group: str) -> None:
        async def insert() -> None:
            self.simulation.insert(group, helper_type="no_such_helper")

        self.run(insert())

    @rule(seconds=seconds)
    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(split=st.booleans(), number=which, late=st.sampled_from([0.0, 0.5, 30.0]), open_=st.sampled_from([0.0, 5.0]))
    def close_shard(self, split: bool, number: int, late: float, open_: float) -> None:
        async def close() -> None:
            table = self.simulation.table
            shards = table.open_shards()
            shard_id = shards[number % len(shards)]
            if split and len(shards) < MAX_OPEN_SHARDS:
                table.split(shard_id, listed_after=late, looks_open=open_)
            else:
                table.roll(shard_id, listed_after=late, looks_open=open_)

        self.run(close())

    @rule()
    def trim_what_was_read(self) -> None:
        for lease in self.simulation.leases.leases.values():
            if lease.checkpoint == SHARD_END and not lease.shard_id.startswith("role/"):
                self.simulation.table.trim(lease.shard_id)

    @rule()
    def reenable_stream(self) -> None:
        async def reenable() -> None:
            self.simulation.table.disable()
            self.simulation.table.enable()

        self.run(reenable())

    # the routers ----------------------------------------------------------------------------------------
    @precondition(lambda self: len(self.simulation.nodes) < MAX_ROUTERS)
    @rule()
    def start_router(self) -> None:
        async def start() -> None:
            self.simulation.start()

        self.run(start())

    @precondition(lambda self: self.simulation.nodes)
    @rule(number=which)
    def kill_router(self, number: int) -> None:
        self.run(self.simulation.kill(self.node(number)))

    @precondition(lambda self: self.simulation.nodes)
    @rule(number=which)
    def stop_router(self, number: int) -> None:
        self.run(self.simulation.stop(self.node(number)))

    @precondition(lambda self: self.simulation.nodes)
    @rule(number=which)
    def pause_or_resume_router(self, number: int) -> None:
        node = self.simulation.nodes[self.node(number)]
        node.resume() if node.paused else node.pause()

    @precondition(lambda self: self.simulation.nodes)
    @rule(number=which, chosen=st.lists(groups, min_size=1, max_size=8), seconds=st.sampled_from([9.0, 13.0, 35.0]))
    def pause_router_in_the_middle_of_work(self, number: int, chosen: list[str], seconds: float) -> None:
        """SIGSTOP with records in flight, for about or well beyond the failover time."""

        async def pause() -> None:
            node = self.simulation.nodes[self.node(number)]
            for group in chosen:
                self.simulation.insert(group)
            await asyncio.sleep(0.6)
            node.pause()
            for group in chosen:
                self.simulation.insert(group)
            await asyncio.sleep(seconds)
            node.resume()

        self.run(pause())

    # failures -------------------------------------------------------------------------------------------
    @rule(
        faults=st.lists(st.sampled_from(["throttled", "entries", "lost", "unanswered", "unanswered_half"]), max_size=4)
    )
    def sends_fail(self, faults: list[Any]) -> None:
        self.simulation.sqs.faults.extend(faults)

    @rule(code=read_errors, times=st.integers(1, 4))
    def reads_fail(self, code: str, times: int) -> None:
        self.simulation.table.faults.fail("get_records", code, times)

    @rule(operation=st.sampled_from(["describe_stream", "get_shard_iterator"]), code=read_errors)
    def other_calls_fail(self, operation: str, code: str) -> None:
        self.simulation.table.faults.fail(operation, code, 2)

    @rule(failures=st.sampled_from([0, 1, 4, 60]), lost_answers=st.integers(0, 2))
    def lease_table_fails(self, failures: int, lost_answers: int) -> None:
        self.simulation.leases.failures = failures
        self.simulation.leases.lost_answers = lost_answers

    @rule()
    def iterators_expire(self) -> None:
        self.simulation.table.faults.expire_iterators()

    @rule(times=st.integers(1, 3))
    def pages_repeat(self, times: int) -> None:
        self.simulation.table.faults.repeat_pages(times)

    @rule(times=st.integers(1, 3))
    def pages_are_empty(self, times: int) -> None:
        self.simulation.table.faults.answer_empty(times)

    # the end --------------------------------------------------------------------------------------------
    def teardown(self) -> None:
        try:
            if hasattr(self, "simulation"):
                self.run(self.finish())
                self.simulation.check()
        finally:
            self.run(self.bury())
            self.loop.close()

    async def bury(self) -> None:
        """What killed processes left waiting for an answer ends with the history."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def finish(self) -> None:
        """Everything heals; then nothing may be missing."""
        simulation = self.simulation
        simulation.table.faults.clear()
        simulation.sqs.faults.clear()
        simulation.leases.failures = simulation.leases.lost_answers = 0
        for node in simulation.nodes.values():
            node.resume()
        if not simulation.nodes:
            simulation.start()
        await simulation.settle()
        await simulation.kill_all()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=20,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
