"""What a task finds when it starts: a directory to write to, a way out, its rights."""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from tests.terraform.conftest import ROOT, Terraform
from tests.terraform.plans import resources

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("terraform")]

SERVICE = "module.service.aws_ecs_service.this"
NEEDED = {
    "module.network.aws_nat_gateway.this",  # images come from outside
    "module.network.aws_route.private",
    "module.network.aws_route_table_association.private",
    "module.network.aws_vpc_endpoint.gateway",
    "module.cluster.aws_vpc_security_group_egress_rule.tasks",
    "module.cluster.aws_ecs_cluster_capacity_providers.this",
    "module.cluster.aws_iam_role_policy.execution",
}


def test_a_volume_of_a_task_is_one_of_the_image(dev: Terraform) -> None:
    """Fargate gives a volume the mode that the image's VOLUME has, and 0755 of root without one: nobody could write."""
    declared = re.findall(r'^VOLUME \["(.+)"\]$', (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE)
    mounted = {
        mount["containerPath"]
        for task in resources(dev.show(), "aws_ecs_task_definition")
        for container in json.loads(task["container_definitions"])
        for mount in container["mountPoints"]
    }
    assert mounted == set(declared) == {"/tmp"}


@pytest.fixture(scope="module")
def before(dev: Terraform) -> dict[str, set[str]]:
    """By resource: all that is made before it, and deleted after it."""
    direct: defaultdict[str, set[str]] = defaultdict(set)
    for later, earlier in re.findall(r'"module\.fleet\.(\S+)" -> "module\.fleet\.(\S+)"', dev.run("graph").stdout):
        direct[later].add(earlier)

    def reach(name: str, seen: set[str]) -> set[str]:
        for each in direct.get(name, set()) - seen:
            seen.add(each)
            reach(each, seen)
        return seen

    return {name: reach(name, set()) for name in list(direct)}


@pytest.mark.parametrize("service", ["router", "worker", "api"])
def test_a_service_starts_when_its_tasks_can_reach_aws(before: dict[str, set[str]], service: str) -> None:
    """Before, its first tasks pull no image, and the circuit breaker gives up: there is no deployment to go back to."""
    assert before[f"module.{service}.{SERVICE}"] >= NEEDED


def test_the_load_balancer_is_made_when_its_subnets_have_a_gateway(before: dict[str, set[str]]) -> None:
    """AWS refuses one that faces the Internet in a VPC without."""
    assert before["module.api.aws_lb.this"] >= {
        "module.network.aws_internet_gateway.this",
        "module.network.aws_route.public",
    }


def test_the_revision_of_every_service_is_told(dev: Terraform) -> None:
    """A deployment compares it with what runs, by the names that ECS knows."""
    services = list(resources(dev.show(), "aws_ecs_service"))
    assert dev.output("task_definitions") == {each["name"]: each["task_definition"] for each in services}
    assert len(services) >= 4
