"""Alarms, dashboard and scaling watch what the services and AWS write, under the names they write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.metrics import NAMESPACE
from tests.terraform.calls import metrics
from tests.terraform.conftest import ROOT, Terraform
from tests.terraform.plans import resources

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("terraform")]

Watched = tuple[str, str, dict[str, str]]
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
SQS_METRICS = {
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateAgeOfOldestMessage",
    "NumberOfMessagesSent",
}


def of_alarms(plan: dict[str, Any]) -> Iterator[Watched]:
    for alarm in resources(plan, "aws_cloudwatch_metric_alarm"):
        if alarm["metric_name"]:
            yield alarm["namespace"], alarm["metric_name"], alarm["dimensions"]
        for query in alarm["metric_query"]:
            for metric in query["metric"]:
                yield metric["namespace"], metric["metric_name"], metric["dimensions"]


def of_scaling(plan: dict[str, Any]) -> Iterator[Watched]:
    for policy in resources(plan, "aws_appautoscaling_policy"):
        for tracking in policy["target_tracking_scaling_policy_configuration"]:
            for custom in tracking["customized_metric_specification"]:
                inner = [stat["metric"][0] for query in custom["metrics"] for stat in query["metric_stat"]]
                for metric in inner or [custom]:
                    dimensions = {each["name"]: each["value"] for each in metric["dimensions"]}
                    yield metric["namespace"], metric["metric_name"], dimensions


def of_the_dashboard(plan: dict[str, Any]) -> Iterator[Watched]:
    for dashboard in resources(plan, "aws_cloudwatch_dashboard"):
        for widget in json.loads(dashboard["dashboard_body"])["widgets"]:
            for line in widget["properties"]["metrics"]:
                if isinstance(line[0], str):
                    names = [each for each in line if isinstance(each, str)]
                    yield names[0], names[1], dict(zip(names[2::2], names[3::2], strict=True))


@pytest.fixture(scope="module")
def made(dev: Terraform) -> dict[str, Any]:
    return dev.show()


@pytest.fixture(params=[of_alarms, of_scaling, of_the_dashboard], ids=lambda source: source.__name__)
def watched(request: pytest.FixtureRequest, made: dict[str, Any]) -> list[Watched]:
    found: list[Watched] = list(request.param(made))
    assert found
    return found


def test_metrics_of_the_services_are_written_with_those_dimensions(watched: list[Watched]) -> None:
    """CloudWatch keeps a metric per set of dimensions: one too few or too many watches nothing."""
    for namespace, name, dimensions in watched:
        if namespace == NAMESPACE:
            assert dimensions["Stage"] == "dev"
            assert set(dimensions) - {"Service", "Stage"} in metrics(dimensions["Service"])[name], name


def test_queues_and_services_that_are_watched_are_there(watched: list[Watched], made: dict[str, Any]) -> None:
    queues = {queue["name"] for queue in resources(made, "aws_sqs_queue")}
    services = {service["name"] for service in resources(made, "aws_ecs_service")}
    for namespace, name, dimensions in watched:
        if namespace == "AWS/SQS":
            assert name in SQS_METRICS
            assert dimensions["QueueName"] in queues
        elif namespace == "ECS/ContainerInsights":
            assert name == "RunningTaskCount"
            assert dimensions["ServiceName"] in services
        else:
            assert namespace == NAMESPACE, name


def test_a_pool_is_scaled_by_the_metric_that_its_tasks_write(made: dict[str, Any]) -> None:
    """The value of the dimension is the WORKER_NAME of the task definition."""
    scaled = {dimensions["Worker"] for _, name, dimensions in of_scaling(made) if name == "Busy"}
    names = {
        entry["value"]
        for task in resources(made, "aws_ecs_task_definition")
        for entry in json.loads(task["container_definitions"])[0]["environment"]
        if entry["name"] == "WORKER_NAME"
    }
    assert scaled == {"pool-automation"} <= names


def test_every_dead_letter_queue_has_an_alarm_on_its_depth(made: dict[str, Any]) -> None:
    dead_letters = {queue["name"] for queue in resources(made, "aws_sqs_queue") if "-dlq" in queue["name"]}
    assert "mfh-dev-router-dlq" in dead_letters
    alarmed = {
        dimensions["QueueName"]
        for _, name, dimensions in of_alarms(made)
        if name == "ApproximateNumberOfMessagesVisible"
    }
    assert dead_letters <= alarmed


def test_what_the_router_s_page_says_to_alarm_on_has_an_alarm(made: dict[str, Any]) -> None:
    """docs/router.md, "Metrics and health": a row that names a condition."""
    text = (ROOT / "docs" / "router.md").read_text()
    rows = re.findall(r"^\| (`.+?) \| (\S.*) \|$", text[text.index("## Metrics and health") :], re.MULTILINE)
    wanted: set[str] = set()
    for names, condition in rows:
        listed = re.findall(r"`(\w+)`", names)
        wanted |= {name for name in listed if name in condition} or set(listed)
    assert {"DataTrimmed", "ShardsParked"} <= wanted

    assert wanted - {"ShardLag"} <= {name for _, name, _ in of_alarms(made)}


def test_the_topic_is_not_encrypted_with_a_key_that_cloudwatch_may_not_use(made: dict[str, Any]) -> None:
    """With alias/aws/sns no alarm arrives: https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns"""
    topics = list(resources(made, "aws_sns_topic"))
    assert [topic["kms_master_key_id"] for topic in topics] == [None]


def test_every_alarm_tells_somebody(made: dict[str, Any]) -> None:
    """Alarms of scaling act on their policy; all others write to the topic."""
    topic = [each["arn"] for each in resources(made, "aws_sns_topic")]
    alarms = {alarm["alarm_name"]: alarm["alarm_actions"] for alarm in resources(made, "aws_cloudwatch_metric_alarm")}
    scaling = {"mfh-dev-worker-tag-it-start", "mfh-dev-worker-tag-it-idle"}
    assert {name for name, actions in alarms.items() if actions != topic} == scaling
    assert all(len(alarms[name]) == 1 for name in scaling)
