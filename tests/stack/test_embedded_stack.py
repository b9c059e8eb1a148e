"""The embedded stack: one click becomes a changed contact, processes may be killed, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from fleet.aws import aws_clients
from fleet.clock import instant_text
from fleet.execution import Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.local.demo import scenario
from fleet.local.demo import seed as demo_seed
from fleet.local.demo.receiver import Receiver
from fleet.local.stack import ROUTER, WORKER, EmbeddedStack
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import read_seed
from helpers.crm.sandbox.store import SandboxStore

pytestmark = [pytest.mark.stack, pytest.mark.embedded("it is what is tested"), pytest.mark.timeout(180)]

ENVIRONMENT = {
    "WORKER_WAIT_TIME_SECONDS": "1",
    "WORKER_VISIBILITY_SECONDS": "6",
    "WORKER_CONCURRENCY": "20",
    "ROUTER_FAILOVER_SECONDS": "3",
    "ROUTER_HANDOVER_SECONDS": "1",
    "ROUTER_LEASE_SCAN_SECONDS": "0.5",
    "LOG_LEVEL": "warning",
}
EXECUTIONS = 1000
CONTACTS = 60


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def test_a_click_changes_the_contact_and_its_chain_runs_in_order(receiver: Receiver) -> None:
    """From POST to the CRM, with children released one after the other and the branch at the end."""
    seeded: list[demo_seed.Seeded] = []

    async def seed(stack: EmbeddedStack) -> None:
        seeded.append(await demo_seed.seed(stack.settings, stack.sandbox_path, receiver.url))

    async with EmbeddedStack(seed=seed, environment=ENVIRONMENT) as stack:
        headers = {"X-API-Key": seeded[0].api_key}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=headers, trust_env=False) as client:
            answer = await client.post("/helpers/chain/execute", json={"contact_id": "c001"})
            assert answer.status_code == 202
            parent = answer.json()["execution_id"]
            executions: list[dict[str, object]] = []
            async with asyncio.timeout(60):
                while len(executions) < 4 or any(entry["status"] != "completed" for entry in executions):
                    await asyncio.sleep(0.1)
                    executions = (await client.get("/executions")).json()["executions"]
        store = SandboxStore(stack.sandbox_path)
        values = store.values("c001")
        store.close()

    by_type = {entry["helper_type"]: entry for entry in executions}
    assert set(by_type) == {"chain_it", "tag_it", "count_tags", "score_it"}
    assert all(entry.get("parent_execution_id") == parent for type_, entry in by_type.items() if type_ != "chain_it")
    order = sorted(executions, key=lambda entry: str(entry["completed_at"]))
    assert [entry["helper_type"] for entry in order] == ["chain_it", "tag_it", "count_tags", "score_it"]
    # c001 had Newsletter; tag_it added Clicked before count_tags counted.
    assert values["tag_count"] == "2"
    assert values["score"] == "0"


async def test_contacts_of_ones_own_are_seeded_besides_the_demos(receiver: Receiver, tmp_path: Path) -> None:
    """`mfh up --contacts`: a helper finds them at the CRM."""
    file = tmp_path / "contacts.csv"
    file.write_text("id,first_name,tags\nown1,Grace,Newsletter\n")

    async def seed(stack: EmbeddedStack) -> None:
        await demo_seed.seed(stack.settings, stack.sandbox_path, receiver.url, more=read_seed(file))

    async with EmbeddedStack(services=(), seed=seed) as stack:
        crm = SandboxConnector(SandboxStore(stack.sandbox_path))
        own, demo = await crm.get_contact("own1"), await crm.get_contact("c001")

    assert (own.first_name, [tag.name for tag in own.tags]) == ("Grace", ["Newsletter"])
    assert demo.first_name


async def test_killed_worker_and_router_lose_nothing_and_keep_the_order(receiver: Receiver) -> None:
    """kill -9 of both in the middle of a run of 1,000 executions, restarted by the supervisor.

    All end completed; per contact the effects come in order; an effect is repeated only for an execution that was
    running when its worker was killed, which its attempt count tells.
    """

    async def seed(stack: EmbeddedStack) -> None:
        await demo_seed.seed(stack.settings, stack.sandbox_path, receiver.url)

    contact_ids = [contact["id"] for contact in scenario.contacts()[:CONTACTS]]
    async with (
        EmbeddedStack(
            services=(ROUTER, WORKER),
            helper_type="trigger_it",
            seed=seed,
            environment=ENVIRONMENT,
        ) as stack,
        aws_clients(stack.settings) as aws,
    ):
        store = ExecutionStore(aws.dynamodb, stack.settings.executions_table)
        wanted: dict[str, list[str]] = defaultdict(list)

        async def click(contact_id: str, numbers: range) -> None:
            """One contact's clicks, one after the other: their order is the order of the writes."""
            for number in numbers:
                now = datetime.now(UTC)
                execution_id = new_execution_id()
                wanted[contact_id].append(execution_id)
                await store.create(
                    Execution(
                        execution_id=execution_id,
                        helper_type="trigger_it",
                        account_id=scenario.ACCOUNT,
                        connection_id=scenario.CONNECTION,
                        contact_id=contact_id,
                        config={"automation_id": execution_id},
                        created_at=instant_text(now + timedelta(seconds=number)),
                    )
                )

        clicks = asyncio.gather(
            *(click(contact, range(index, EXECUTIONS, CONTACTS)) for index, contact in enumerate(contact_ids))
        )
        observer = SandboxStore(stack.sandbox_path)
        for kills, name in enumerate((WORKER, ROUTER, WORKER, ROUTER)):
            async with asyncio.timeout(60):
                while _effects(observer) < (kills + 1) * EXECUTIONS // 10:  # noqa: ASYNC110 - another process's file
                    await asyncio.sleep(0.02)
            os.kill(stack.supervisor.pid(name), signal.SIGKILL)
            async with asyncio.timeout(30):
                await stack.supervisor.wait_restarted(name, kills // 2 + 1)
        await clicks
        ended: dict[str, Execution] = {}
        async with asyncio.timeout(90):
            while len(ended) < EXECUTIONS:
                await asyncio.sleep(0.2)
                missing = [id_ for ids in wanted.values() for id_ in ids if id_ not in ended]
                for execution in await asyncio.gather(*(store.get(id_) for id_ in missing[:200])):
                    if execution is not None and execution.is_terminal:
                        ended[execution.execution_id] = execution
        effects = {
            contact: [event["automation_id"] for event in observer.events(contact, "automation")]
            for contact in contact_ids
        }
        observer.close()

    assert {execution.status for execution in ended.values()} == {"completed"}
    repeated = []
    for contact in contact_ids:
        first_effects = list(dict.fromkeys(effects[contact]))
        assert first_effects == wanted[contact]
        repeated += [id_ for id_ in first_effects if effects[contact].count(id_) > 1]
    assert all(ended[id_].attempts > 1 for id_ in repeated)
    # At most what ran at the moment of a kill.
    assert len(repeated) <= 2 * int(ENVIRONMENT["WORKER_CONCURRENCY"])


def _effects(store: SandboxStore) -> int:
    return int(store.scalar("SELECT count(*) FROM events WHERE kind = 'automation'"))


class Up:
    """``mfh up`` as a process of its own, with the pids of everything it started."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("mfh")), "up", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line)
            if "stored helpers:" in line:
                break
        self.children = _children(self.process.pid)

    def wait_gone(self) -> list[int]:
        """The children that are still there after at most ten seconds."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(_alive(pid) for pid in self.children):
            time.sleep(0.05)
        return [pid for pid in self.children if _alive(pid)]


def _children(pid: int) -> list[int]:
    answer = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(entry) for entry in answer.stdout.split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_stops_everything_in_order() -> None:
    """Exit code 0, no child left."""
    up = Up()
    assert len(up.children) == 4
    assert any(re.search(r"API: http://127\.0\.0\.1:\d+", line) for line in up.lines)

    up.process.send_signal(signal.SIGINT)

    assert up.process.wait(60) == 0
    assert up.process.stdout is not None
    up.process.stdout.close()
    assert up.wait_gone() == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_supervisor_leaves_no_orphan() -> None:
    """The kernel ends the children when their parent dies."""
    up = Up()
    assert len(up.children) == 4

    up.process.kill()
    up.process.wait(10)
    assert up.process.stdout is not None
    up.process.stdout.close()

    assert up.wait_gone() == []
