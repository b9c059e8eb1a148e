"""Provisioning makes a stage and leaves what exists alone."""

from __future__ import annotations

import json
import uuid

import pytest

from fleet import names
from fleet.aws import aws_clients
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings
from fleet.tables import TABLES, table_name

pytestmark = pytest.mark.stack


@pytest.fixture
def settings(emulator_url: str) -> FleetSettings:
    return FleetSettings(stage=f"p{uuid.uuid4().hex[:10]}", aws_endpoint_url=emulator_url)


async def test_a_stage_has_tables_queues_and_parameters(settings: FleetSettings) -> None:
    """With the fixed names and attributes."""
    lines: list[str] = []
    Provisioner(settings, progress=lines.append).provision(["tag_it"])

    async with aws_clients(settings) as aws:
        for table in TABLES:
            description = (await aws.dynamodb.describe_table(TableName=table_name(settings, table)))["Table"]
            assert {index["IndexName"] for index in description.get("GlobalSecondaryIndexes", [])} == {
                index.name for index in table.indexes
            }
        executions = (await aws.dynamodb.describe_table(TableName=settings.executions_table))["Table"]
        assert executions["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        ttl = await aws.dynamodb.describe_time_to_live(TableName=settings.executions_table)
        assert ttl["TimeToLiveDescription"]["AttributeName"] == "ttl"

        parameter = await aws.ssm.get_parameter(Name=names.queue_url_parameter(settings.stage, "tag_it"))
        url = parameter["Parameter"]["Value"]
        assert url.endswith(f"mfh-{settings.stage}-tag-it-executions.fifo")
        attributes = (await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))["Attributes"]
        assert attributes["FifoQueue"] == "true"
        assert attributes["ContentBasedDeduplication"] == "true"
        assert attributes["DeduplicationScope"] == "messageGroup"
        assert attributes["FifoThroughputLimit"] == "perMessageGroupId"
        assert attributes["MessageRetentionPeriod"] == str(14 * 86_400)
        assert attributes["VisibilityTimeout"] == "900"
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f"mfh-{settings.stage}-tag-it-executions-dlq.fifo")
        assert int(redrive["maxReceiveCount"]) == 30
        await aws.ssm.get_parameter(Name=names.router_dead_letter_queue_url_parameter(settings.stage))
    assert any("created" in line for line in lines)


async def test_provisioning_again_changes_nothing(settings: FleetSettings) -> None:
    """Stored items, messages and secrets survive; a new type is added."""
    Provisioner(settings).provision(["tag_it"])
    async with aws_clients(settings) as aws:
        await aws.dynamodb.put_item(TableName=settings.helpers_table, Item={"helper_id": {"S": "helper:1"}})
        await aws.ssm.put_parameter(
            Name=settings.internal_secrets_param, Value='{"a":1}', Type="SecureString", Overwrite=True
        )
        parameter = await aws.ssm.get_parameter(Name=names.queue_url_parameter(settings.stage, "tag_it"))
        url = parameter["Parameter"]["Value"]
        await aws.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
        lines: list[str] = []

        Provisioner(settings, progress=lines.append).provision(["tag_it", "copy_it"])

        assert (await aws.dynamodb.scan(TableName=settings.helpers_table))["Count"] == 1
        counts = await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        assert counts["Attributes"]["ApproximateNumberOfMessages"] == "1"
        secrets = await aws.ssm.get_parameter(Name=settings.internal_secrets_param, WithDecryption=True)
        assert "a" in secrets["Parameter"]["Value"]
        await aws.ssm.get_parameter(Name=names.queue_url_parameter(settings.stage, "copy_it"))
    assert any("exists" in line for line in lines)
    assert not any("table" in line and "created" in line for line in lines)


async def test_a_queue_with_other_attributes_is_brought_to_ours(settings: FleetSettings) -> None:
    """Somebody made it by hand."""
    async with aws_clients(settings) as aws:
        name = names.queue(settings.stage, "tag_it")
        await aws.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "VisibilityTimeout": "30"})
        Provisioner(settings).provision(["tag_it"])

        url = (await aws.sqs.get_queue_url(QueueName=name))["QueueUrl"]
        attributes = (await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))["Attributes"]
    assert attributes["VisibilityTimeout"] == "900"
    assert "RedrivePolicy" in attributes
