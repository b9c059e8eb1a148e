"""The images run the fleet: built, started by compose, killed, frozen, cut off, starved and drained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fleet import names
from fleet.aws import aws_clients
from fleet.execution import Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.local.demo import scenario
from fleet.settings import FleetSettings
from tests import engine
from tests.docker.compose import ROOT, Compose, docker, healthy, inspect
from worker.settings import WorkerSettings

SERVICES = ("router", "api", "worker")
SIZE_LIMIT_BYTES = 250_000_000
EXECUTIONS = 120
# The modules of a health check that each of them would have to compile.
UNCOMPILED = """
import sys, fleet.health
from pathlib import Path
cached = [module.__cached__ for module in sys.modules.values() if getattr(module, "__cached__", None)]
print(*[file for file in cached if not Path(file).exists()])
"""
FEWEST_EXECUTIONS = 22  # that the demo takes: one of each helper

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("containers"), pytest.mark.timeout(600)]


def until(condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
    """Wait for something that the engine or the stack reports."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def demo_with_fault(compose: Compose, fault: Callable[[], object]) -> None:
    """Run the demo and let the fault happen in the middle of it; every execution must end as if nothing had."""
    before = len(compose.executions(status="completed"))
    demo = compose.start_demo(EXECUTIONS)
    try:
        until(lambda: len(compose.executions(status="completed")) > before + 5, "the demo is under way")
        fault()
        output, _ = demo.communicate(timeout=200)
    except BaseException as exc:
        demo.terminate()
        exc.add_note(demo.communicate(timeout=60)[0][-3000:])
        exc.add_note(compose("logs", "--tail", "20").stdout[-6000:])
        raise
    assert demo.returncode == 0, output[-3000:]


Probes = Callable[[str, int], list[str]]


@pytest.fixture
def probes(compose: Compose) -> Iterator[Probes]:
    """Starts workers of a service of probes.yaml; the pool, which serves the type too, is away meanwhile."""
    files = ("-f", str(ROOT / "compose.yaml"), "-f", str(ROOT / "tests/docker/probes.yaml"))
    used: set[str] = set()

    def start(service: str, count: int) -> list[str]:
        used.add(service)
        compose("kill", "worker")
        compose(*files, "up", "-d", "--wait", "--no-deps", "--scale", f"{service}={count}", service)
        return compose(*files, "ps", "--quiet", service).stdout.split()

    yield start
    for service in used:
        compose(*files, "kill", service)
        compose(*files, "rm", "--force", service)
    compose("up", "-d", "--wait", "--scale", "worker=3")


async def stop_at_work(
    compose: Compose, workers: Sequence[str], stop: Callable[[str], object], resume: Callable[[str], object]
) -> str:
    """Stop a worker in the middle of its runs until others have done them, let it go on, and say which it was."""
    contacts = [f"c{number}" for number in range(6)]
    # The first run of each contact is long enough to be stopped in.
    wanted = [(contact, {"seconds": seconds}) for seconds in (10, 0.1, 0.1) for contact in contacts]
    asked = await insert(compose, wanted, helper_type="copy_it", account_id="a")
    until(lambda: bool(running(compose, asked)), "one of them is at work")
    # Whichever it is: a worker that polls first may get every group of messages, and the others nothing.
    at_work = running(compose, asked)[0]["worker_id"]  # begins with its host's name, the container's short id
    (victim,) = [worker for worker in workers if at_work.startswith(worker[:12])]
    stop(victim)
    mine = [one for one in running(compose, asked) if one["worker_id"].startswith(victim[:12])]
    held = {one["execution_id"] for one in mine}
    until(lambda: held <= set(ended(compose, asked)), "others end what it held")
    resume(victim)
    until(lambda: len(ended(compose, asked)) == len(asked), "all have ended")

    assert held
    done = ended(compose, asked)
    assert {one["status"] for one in done.values()} == {"completed"}
    assert [one for one in held if done[one]["worker_id"].startswith(victim[:12])] == []
    assert_order(done, asked, contacts)
    return victim


def assert_order(done: dict[str, dict[str, str]], asked: Sequence[str], contacts: Sequence[str]) -> None:
    """The executions of a contact ran one after the other, as they were asked for."""
    for contact in contacts:
        own = [done[one] for one in asked if done[one]["contact_id"] == contact]
        assert all(earlier["completed_at"] <= later["started_at"] for earlier, later in pairwise(own)), own


def test_images_are_small_and_run_without_root(compose: Compose) -> None:
    """Under 250 MB, no pip, no root nor a way to it, a read-only root file system, python as PID 1, all compiled."""
    for service in SERVICES:
        container = inspect(compose.containers(service)[0])
        image = inspect(container["Image"])
        assert image["Size"] < SIZE_LIMIT_BYTES, service
        assert image["Config"]["User"] == "10001:10001"
        assert image["Config"]["StopSignal"] == "SIGTERM"
        assert image["Config"]["Entrypoint"] == ["python", "-m", service]
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        for unwanted in (
            "command -v gcc git curl pip pip3 make",
            "find /usr/local /opt/mfh -name pip -o -name ensurepip",
            "find / -xdev -type f -perm /6000 2>/dev/null",
        ):
            assert docker("exec", container["Id"], "sh", "-c", f"{unwanted} || true") == "", service
        assert docker("exec", container["Id"], "python", "-c", UNCOMPILED).strip() == "", service


def test_only_code_is_in_the_build_context(tmp_path: Path) -> None:
    """What lies about in a checkout enters no image: settings and secrets of people, caches, state of Terraform."""
    if reason := engine.why_not():
        pytest.skip(reason)
    packed = ["worker/code.py", "helpers/rules.json", "requirements/runtime.txt", "pyproject.toml"]
    left = [".env", "worker/.env", "helpers/.cache/x", "fleet/code.py~", "fleet/__pycache__/x.pyc", ".venv/x"]
    left += [".git/config", "terraform/terraform.tfstate", "terraform/.terraform/x", "tests/x.py", "docker/x"]
    for name in (*packed, *left):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "Dockerfile.dockerignore").write_text((ROOT / ".dockerignore").read_text())

    docker("build", "--file", f"{tmp_path}/Dockerfile", "--output", f"{tmp_path}/out", f"{tmp_path}/in")

    found = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert found == set(packed)


def test_nothing_is_lost_when_a_worker_is_killed(compose: Compose) -> None:
    """kill -9 in the middle of work: the others take over what it held once its lease has passed."""
    victim = compose.containers("worker")[0]

    demo_with_fault(compose, lambda: docker("kill", "--signal", "KILL", victim))

    assert inspect(victim)["State"]["ExitCode"] == 137
    docker("start", victim)
    until(lambda: healthy(victim), "the killed worker is back")


async def test_nothing_is_lost_when_a_worker_is_frozen_past_its_lease(compose: Compose, probes: Probes) -> None:
    """A frozen worker wakes up to leases that others hold; what it then writes must change nothing."""
    victim = await stop_at_work(
        compose, probes("probe", 2), lambda worker: docker("pause", worker), lambda worker: docker("unpause", worker)
    )

    until(lambda: healthy(victim), "the frozen worker is healthy again")


async def test_nothing_is_lost_when_a_worker_is_cut_off(compose: Compose, probes: Probes) -> None:
    """Without a network a worker loses its leases; with one again it goes on without a restart."""
    workers = probes("probe", 2)
    network = f"{compose.project}_default"
    started = {worker: inspect(worker)["State"]["StartedAt"] for worker in workers}

    victim = await stop_at_work(
        compose,
        workers,
        lambda worker: docker("network", "disconnect", network, worker),
        lambda worker: docker("network", "connect", network, worker),
    )

    until(lambda: healthy(victim), "the cut-off worker is healthy again")
    assert inspect(victim)["State"]["StartedAt"] == started[victim]


async def test_one_helper_is_scaled_by_its_profile(compose: Compose) -> None:
    """`--profile tag-it --scale tag-it=3`, as the README says: they share a queue with the pool, in order."""
    demo = compose.start_demo(FEWEST_EXECUTIONS)  # fills the sandbox CRM
    output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output[-3000:]
    compose("--profile", "tag-it", "up", "-d", "--wait", "--no-recreate", "--scale", "worker=3", "--scale", "tag-it=3")
    scaled = compose.containers("tag-it")
    # Each demo has an account of its own, and the connection is the newest one's.
    account = max((one["execution_id"], one["account_id"]) for one in compose.executions(trigger_type="api"))[1]
    contacts = [contact["id"] for contact in scenario.contacts()[:12]]

    # More of them until a scaled one got some: which worker of a queue gets a message is up to the queue.
    asked: list[str] = []
    hosts: set[str] = set()
    while not hosts & {container[:12] for container in scaled}:
        assert len(asked) < 20 * len(contacts), f"the scaled workers get nothing, only {hosts} do"
        asked.extend(
            await insert(
                compose, [(contact, {"action": "apply", "tag_ids": ["1"]}) for contact in contacts * 2],
                helper_type="tag_it", connection_id=scenario.CONNECTION, account_id=account,
            )
        )  # fmt: skip
        until(lambda: len(ended(compose, asked)) == len(asked), "all have ended")
        hosts = {one["worker_id"][:12] for one in ended(compose, asked).values()}

    assert len(scaled) == 3
    assert all("HELPER_TYPE=tag_it" in inspect(container)["Config"]["Env"] for container in scaled)
    done = ended(compose, asked)
    assert [one["error_message"] for one in done.values() if one["status"] != "completed"] == []
    assert_order(done, asked, contacts)
    compose("kill", "tag-it")
    compose("rm", "--force", "tag-it")


async def test_an_execution_that_eats_its_worker_ends_and_takes_nothing_along(compose: Compose, probes: Probes) -> None:
    """The memory limit kills the worker, compose starts it again, until the execution's attempts are used up."""
    (hungry,) = probes("hungry", 1)

    # Behind it on its contact, and beside it on others.
    eats = ("c0", {"seconds": 0.5, "effect": "eat"})
    poison, *others = await insert(
        compose, [eats, *((f"c{n % 10}", {}) for n in range(40))], helper_type="copy_it", account_id="a"
    )
    until(lambda: len(ended(compose, [poison, *others])) == 1 + len(others), "all have ended")

    killer = ended(compose, [poison])[poison]
    assert (killer["status"], killer["error_type"]) == ("failed", "WorkerDied")
    assert {one["status"] for one in ended(compose, others).values()} == {"completed"}
    assert inspect(hungry)["RestartCount"] == WorkerSettings(helper_type="copy_it").worker_max_attempts
    dead_letters = compose.sqs.get_queue_url(QueueName=names.dead_letter_queue("dev", "copy_it"))["QueueUrl"]
    answer = compose.sqs.receive_message(QueueUrl=dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    assert [letter["MessageAttributes"]["execution_id"]["StringValue"] for letter in answer["Messages"]] == [poison]


def test_a_restarted_localstack_is_provisioned_again(compose: Compose) -> None:
    """It forgets everything; the services find what is made anew without a restart of theirs."""
    services = [container for service in SERVICES for container in compose.containers(service)]
    started = [inspect(container)["State"]["StartedAt"] for container in services]
    (provision,) = compose.containers("provision")

    compose("restart", "localstack")
    until(lambda: inspect(provision)["State"]["Status"] == "exited", "it is provisioned")
    until(lambda: all(map(healthy, services)), "the services are healthy")

    assert inspect(provision)["State"]["ExitCode"] == 0
    demo = compose.start_demo(FEWEST_EXECUTIONS)
    output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output[-3000:]
    assert [inspect(container)["State"]["StartedAt"] for container in services] == started


def running(compose: Compose, asked: Sequence[str]) -> list[dict[str, str]]:
    """Those of the executions that a worker is at."""
    return [one for one in compose.executions(status="running") if one["execution_id"] in set(asked)]


def ended(compose: Compose, asked: Sequence[str]) -> dict[str, dict[str, str]]:
    """Those of the executions that have ended, by id."""
    executions = compose.executions(status="completed") + compose.executions(status="failed")
    return {one["execution_id"]: one for one in executions if one["execution_id"] in set(asked)}


async def insert(compose: Compose, wanted: Sequence[tuple[str, dict[str, Any]]], **values: str) -> list[str]:
    """Ids of queued executions, one after the other: contact and config of each."""
    settings = FleetSettings(stage="dev", aws_endpoint_url=compose.localstack_url)
    async with aws_clients(settings) as aws:
        store = ExecutionStore(aws.dynamodb, settings.executions_table)
        stored = [
            await store.create(
                Execution(
                    execution_id=new_execution_id(),
                    contact_id=contact,
                    config=config,
                    **values,
                )
            )
            for contact, config in wanted
        ]
    return [execution.execution_id for execution, _ in stored]


@pytest.mark.parametrize("service", SERVICES)
def test_sigterm_drains_and_exits_0(compose: Compose, service: str) -> None:
    """What ECS and `docker stop` send; python is PID 1 and gets it."""
    compose("stop", service)

    for container in compose.containers(service):
        state = inspect(container)["State"]
        assert state["ExitCode"] == 0
        assert state["OOMKilled"] is False
