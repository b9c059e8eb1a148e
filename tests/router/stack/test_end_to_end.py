"""One router process on the emulator: schedule, poison, a queue that is added, health."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fleet import names
from fleet.aws import AwsClients
from fleet.clock import instant_text
from fleet.execution import Execution, new_execution_id, schedule_bucket
from fleet.executions import ExecutionStore
from fleet.local import emulator
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings

if TYPE_CHECKING:
    from tests.router.stack.conftest import Routers

pytestmark = pytest.mark.stack


@pytest.fixture
def health_url(routers: Routers) -> str:
    """Of the router that is running."""
    port = emulator.free_port()
    routers.start("router", HEALTH_PORT=str(port), HEALTH_HOST=emulator.HOST)
    return f"http://{emulator.HOST}:{port}"


@pytest.fixture
def store(aws: AwsClients, stage_settings: FleetSettings) -> ExecutionStore:
    return ExecutionStore(aws.dynamodb, stage_settings.executions_table)


def execution(helper_type: str, **values: Any) -> Execution:
    return Execution(execution_id=new_execution_id(), helper_type=helper_type, account_id="a", contact_id="c", **values)


async def receive(aws: AwsClients, queue_name: str, count: int = 1) -> list[Any]:
    """That many messages, deleted as they come."""
    url = (await aws.sqs.get_queue_url(QueueName=queue_name))["QueueUrl"]
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            answer = await aws.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                found.append(message)
                await aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


async def get(url: str) -> Any:
    def read() -> Any:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a loopback URL of this test
            return json.load(answer)

    return await asyncio.to_thread(read)


async def test_scheduled_executions_are_queued_once_and_not_before_their_time(
    health_url: str, routers: Routers, store: ExecutionStore, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """Each by the queue's own clock; how late they are, the benchmark says."""
    await routers.until("lease_taken", 2)
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    due: dict[str, datetime] = {}
    for number in range(120):
        moment = begin + timedelta(seconds=number % 4)
        planned = execution("tag_it", status="scheduled", not_before=instant_text(moment))
        planned = planned.model_copy(
            update={"schedule_bucket": schedule_bucket(planned.execution_id), "contact_id": f"c{number}"}
        )
        due[planned.execution_id] = moment
        await store.create(planned)

    messages = await receive(aws, names.queue(stage_settings.stage, "tag_it"), len(due))

    late = [
        int(message["Attributes"]["SentTimestamp"]) / 1000
        - due[json.loads(message["Body"])["execution_id"]].timestamp()
        for message in messages
    ]
    assert len({json.loads(message["Body"])["execution_id"] for message in messages}) == len(messages) == len(due)
    assert min(late) >= 0


async def test_poison_goes_to_the_dead_letter_queue_and_fails_its_execution(
    health_url: str, routers: Routers, store: ExecutionStore, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """And what comes after it is routed."""
    poison, following = execution("no_such_helper"), execution("tag_it")
    await store.create(poison)
    await store.create(following)

    (message,) = await receive(aws, names.router_dead_letter_queue(stage_settings.stage))
    (routed,) = await receive(aws, names.queue(stage_settings.stage, "tag_it"))

    assert json.loads(message["Body"])["dynamodb"]["NewImage"]["execution_id"]["S"] == poison.execution_id
    assert "no queue for helper type 'no_such_helper'" in message["MessageAttributes"]["reason"]["StringValue"]
    assert json.loads(routed["Body"])["execution_id"] == following.execution_id
    async with asyncio.timeout(60):
        while (stored := await store.get(poison.execution_id)) is None or stored.status != "failed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert "no_such_helper" in stored.error_message


async def test_an_execution_larger_than_a_message_is_routed_and_its_poison_stops_nothing(
    health_url: str, routers: Routers, store: ExecutionStore, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """A queue that Terraform makes takes 256 KiB, an execution may have 400: the worker reads it from the table."""
    queues = (names.queue(stage_settings.stage, "tag_it"), names.router_dead_letter_queue(stage_settings.stage))
    for name in queues:
        url = (await aws.sqs.get_queue_url(QueueName=name))["QueueUrl"]
        await aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "262144"})
    large = {"text": "é" * 150_000}
    executions = [execution("no_such_helper", input=large), execution("tag_it", input=large), execution("tag_it")]
    for each in executions:
        await store.create(each)

    routed = await receive(aws, queues[0], 2)
    (buried,) = await receive(aws, queues[1])

    assert [json.loads(message["Body"])["execution_id"] for message in routed] == [
        each.execution_id for each in executions[1:]
    ]
    assert buried["MessageAttributes"]["execution_id"]["StringValue"] == executions[0].execution_id


async def test_a_queue_that_is_added_is_found_without_a_restart(
    health_url: str, routers: Routers, store: ExecutionStore, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """The directory is refreshed on a miss."""
    await store.create(execution("tag_it"))
    await receive(aws, names.queue(stage_settings.stage, "tag_it"))
    await asyncio.to_thread(Provisioner(stage_settings).provision, ["merge_it"])
    # A directory that was read a moment ago is not read again for every unknown type: 5 s.
    await asyncio.sleep(5.0)
    added = execution("merge_it")
    await store.create(added)

    (message,) = await receive(aws, names.queue(stage_settings.stage, "merge_it"))
    assert json.loads(message["Body"])["execution_id"] == added.execution_id


async def test_health_and_metrics_answer_on_their_port(
    health_url: str, routers: Routers, store: ExecutionStore, aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """For the container check and for an operator with curl."""
    await store.create(execution("tag_it"))
    await routers.until("lease_taken", 2)
    await receive(aws, names.queue(stage_settings.stage, "tag_it"))
    async with asyncio.timeout(60):
        while not (metrics := await get(f"{health_url}/metrics"))["totals"].get("RecordsRouted"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    health = await get(f"{health_url}/healthz")

    assert health["healthy"]
    assert len(health["leases"]) == 2
    assert metrics["totals"]["RecordsRouted"] == 1
    (shard,) = metrics["shards"].values()
    assert shard["lag_seconds"] >= 0
