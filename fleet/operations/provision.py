"""Make the tables, queues and parameters of a stage; idempotent. For emulators and laptops: AWS is Terraform's.

The same boto3 calls run on any endpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from fleet import names
from fleet.aws import credentials
from fleet.settings import FleetSettings
from fleet.tables import TABLES, Table, table_name
from helpers.registry import inventory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodbstreams.client import DynamoDBStreamsClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_ssm.client import SSMClient

RETENTION_SECONDS = 14 * 86_400
VISIBILITY_SECONDS = 900
# The backstop only: attempts are counted in the execution, because SQS also counts receives of messages that were
# merely released with their group.
MAX_RECEIVE_COUNT = 30

Progress = Callable[[str], object]


class Provisioner:
    """Creates what is missing and leaves the rest alone."""

    def __init__(self, settings: FleetSettings, *, progress: Progress = lambda _line: None) -> None:
        self._settings = settings
        self._progress = progress
        common: dict[str, Any] = {
            "region_name": settings.aws_region,
            "endpoint_url": settings.aws_endpoint_url,
            "config": Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=16),
            **credentials(settings),
        }
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", **common)
        self._streams: DynamoDBStreamsClient = boto3.client("dynamodbstreams", **common)
        self._sqs: SQSClient = boto3.client("sqs", **common)
        self._ssm: SSMClient = boto3.client("ssm", **common)

    def provision(self, helper_types: Iterable[str] | None = None) -> None:
        """Everything of the stage: tables, one queue pair per helper type, the router's DLQ, parameters."""
        for table in TABLES:
            self.table(table)
        types = list(helper_types if helper_types is not None else inventory())
        with ThreadPoolExecutor(max_workers=8, thread_name_prefix="provision") as pool:
            list(pool.map(self.queue_pair, types))
        self.router_dead_letter_queue()
        self.secrets()

    def table(self, table: Table) -> None:
        """Create the table and wait until it is usable, its stream included."""
        name = table_name(self._settings, table)
        try:
            self._dynamodb.create_table(**table.definition(name))
        except self._dynamodb.exceptions.ResourceInUseException:
            self._progress(f"table {name} exists")
        else:
            self._progress(f"table {name} created")
        self._dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        if table.stream:
            # An ACTIVE table may have a stream that is still ENABLING: writes before ENABLED are not in it.
            self._wait_for_stream(name)
        if table.ttl_attribute:
            ttl = self._dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            if ttl.get("TimeToLiveStatus") in (None, "DISABLED"):
                self._dynamodb.update_time_to_live(
                    TableName=name,
                    TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
                )

    def _wait_for_stream(self, name: str) -> None:
        arn = self._dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
        for _attempt in range(120):
            if self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "ENABLED":
                return
            time.sleep(0.5)
        raise TimeoutError(f"the stream of {name} is not ENABLED after 60 s")

    def queue_pair(self, helper_type: str) -> None:
        """The FIFO queue of a type with its dead-letter queue, and the parameters that name them."""
        stage = self._settings.stage
        dead_letter_url = self._queue(names.dead_letter_queue(stage, helper_type), fifo=True)
        dead_letter_arn = self._arn(dead_letter_url)
        url = self._queue(
            names.queue(stage, helper_type),
            fifo=True,
            RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": MAX_RECEIVE_COUNT}),
        )
        self._parameter(names.queue_url_parameter(stage, helper_type), url)
        self._parameter(names.dead_letter_queue_url_parameter(stage, helper_type), dead_letter_url)
        self._progress(f"queue {names.queue(stage, helper_type)} ready")

    def router_dead_letter_queue(self) -> None:
        """The standard queue for records that can never be routed."""
        stage = self._settings.stage
        url = self._queue(names.router_dead_letter_queue(stage), fifo=False)
        self._parameter(names.router_dead_letter_queue_url_parameter(stage), url)

    def secrets(self) -> None:
        """An empty secrets document, so that services start; a stored one is left alone."""
        try:
            self._ssm.put_parameter(
                Name=self._settings.internal_secrets_param, Value="{}", Type="SecureString", Overwrite=False
            )
        except self._ssm.exceptions.ParameterAlreadyExists:
            self._progress(f"parameter {self._settings.internal_secrets_param} exists")

    def _queue(self, name: str, *, fifo: bool, **attributes: str) -> str:
        common = {"MessageRetentionPeriod": str(RETENTION_SECONDS), "VisibilityTimeout": str(VISIBILITY_SECONDS)}
        if fifo:
            common |= {
                "FifoQueue": "true",
                "ContentBasedDeduplication": "true",
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
            }
        wanted = {**common, **attributes}
        try:
            return self._sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]  # type: ignore[arg-type]
        except self._sqs.exceptions.QueueNameExists:
            # It exists with other attributes: bring it to ours. FIFO-ness itself cannot be changed.
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            wanted.pop("FifoQueue", None)
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)  # type: ignore[arg-type]
            return url

    def _arn(self, queue_url: str) -> str:
        return self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def _parameter(self, name: str, value: str) -> None:
        self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
