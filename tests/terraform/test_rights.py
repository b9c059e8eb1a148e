"""Each service may do what its code calls, on the tables it calls it on, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.terraform.calls import aws_calls
from tests.terraform.conftest import Terraform
from tests.terraform.plans import as_list, resources

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("terraform")]

ROLES = {"router": "mfh-dev-router", "worker": "mfh-dev-worker-tag-it", "api": "mfh-dev-api"}
TABLES_OF_FILES = {
    "fleet/executions.py": "executions",
    "fleet/execution_index.py": "executions",
    "fleet/transition.py": "executions",
    "fleet/stored_helpers.py": "helpers",
    "fleet/state.py": "helper-state",
    "fleet/api_keys.py": "api-keys",
    "router/lease_table.py": "router-leases",
    "router/listing.py": "executions",
    "router/reader.py": "executions",
}
TABLES_OF_EXPRESSIONS = {
    "self._settings.connections_table": ("connections",),
    "self._connections": ("connections",),
    "connections_table": ("connections",),
    "self._settings.platform_connection_auths_table": ("platform-connection-auths",),
    "self._auths": ("platform-connection-auths",),
    "self._settings.users_table": ("users",),
    "table": ("connections", "platform-connection-auths", "platforms"),  # ConnectionStore._get
}
# What a service imports and does not reach: (action, table) or an action.
NOT_REACHED: dict[str, set[tuple[str, str]]] = {
    "router": {
        ("dynamodb:GetItem", "executions"),  # the store's get: it knows executions from their records
        ("dynamodb:PutItem", "executions"),  # the store's create and spawn
    },
    "worker": {
        ("dynamodb:PutItem", "helpers"),  # StoredHelpers.put: seeding
        ("dynamodb:Query", "connections"),  # list_connections: the command line
        ("sts:AssumeRole", ""),  # keap_backup alone, which this worker does not serve: the module's own tests
    },
    "api": {
        ("dynamodb:PutItem", "helpers"),
        ("dynamodb:PutItem", "api-keys"),  # keys are made by the platform
        ("dynamodb:Query", "connections"),
        # It runs routing helpers only, which write no files and send no mails.
        ("dynamodb:GetItem", "users"),
        ("s3:GetObject", ""),
        ("s3:PutObject", ""),
        ("ses:SendEmail", ""),
        ("ses:GetEmailIdentity", ""),
        ("sts:AssumeRole", ""),
    },
}
# The right takes no resource, though the call names a table.
WITHOUT_RESOURCE = {"dynamodb:ListStreams"}
# Asked of the ECS agent, which uses the task's role.
BY_THE_AGENT = {"worker": {("ecs:UpdateTaskProtection", "")}}


def called(service: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path, action, expression in aws_calls(service):
        if not action.startswith("dynamodb:") or action in WITHOUT_RESOURCE:
            found.add((action, ""))
            continue
        tables = TABLES_OF_EXPRESSIONS.get(expression) or (TABLES_OF_FILES[path.as_posix()],)
        found |= {(action, table) for table in tables}
    return found


def statements(dev: Terraform, role: str) -> list[dict[str, Any]]:
    policies = [each for each in resources(dev.show(), "aws_iam_role_policy") if each["role"] == role]
    assert len(policies) == 1, role
    listed: list[dict[str, Any]] = json.loads(policies[0]["policy"])["Statement"]
    return listed


@pytest.mark.parametrize("service", ROLES)
def test_a_service_may_do_what_its_code_calls_and_nothing_else(dev: Terraform, service: str) -> None:
    granted: set[tuple[str, str]] = set()
    for statement in statements(dev, ROLES[service]):
        for resource in as_list(statement["Resource"]):
            table = re.search(r":table/(?:mfh-dev-)?([\w-]+)", resource)
            granted |= {(action, table[1] if table else "") for action in as_list(statement["Action"])}

    assert granted == (called(service) | BY_THE_AGENT.get(service, set())) - NOT_REACHED[service]


def test_what_is_not_reached_is_called_somewhere() -> None:
    """The list of exceptions does not outlive what it excuses."""
    assert {service: pairs - called(service) for service, pairs in NOT_REACHED.items()} == {
        service: set() for service in ROLES
    }


def test_the_router_sends_to_execution_queues_of_its_stage_only(dev: Terraform) -> None:
    """The pattern takes in queues of new helpers, but neither dead-letter queues nor another stage's."""
    sends = [each for each in statements(dev, ROLES["router"]) if "sqs:SendMessage" in as_list(each["Action"])]
    allowed = [name.rpartition(":")[2] for each in sends for name in as_list(each["Resource"])]

    assert sorted(allowed) == ["mfh-dev-*-executions.fifo", "mfh-dev-router-dlq"]


def test_a_worker_reaches_the_queues_of_its_own_types_only(dev: Terraform) -> None:
    """A task of tag_it neither receives nor gives up messages of another type."""
    reached = {
        resource.rpartition(":")[2]
        for each in statements(dev, ROLES["worker"])
        for resource in as_list(each["Resource"])
        if ":sqs:" in resource
    }
    assert reached == {"mfh-dev-tag-it-executions.fifo", "mfh-dev-tag-it-executions-dlq.fifo"}


def test_nothing_is_granted_on_everything_but_what_takes_no_resource(dev: Terraform) -> None:
    """Neither the login to the registry nor ListStreams does; DescribeStream and GetRecords are of one table."""
    broad = [
        (policy["role"], statement["Action"])
        for policy in resources(dev.show(), "aws_iam_role_policy")
        for statement in json.loads(policy["policy"])["Statement"]
        if "*" in as_list(statement["Resource"]) or any(action.endswith("*") for action in as_list(statement["Action"]))
    ]
    assert sorted(broad) == [
        ("mfh-dev-execution", "ecr:GetAuthorizationToken"),
        ("mfh-dev-router", "dynamodb:ListStreams"),
    ]


def test_every_role_is_bounded(dev: Terraform) -> None:
    """Deployments may make bounded roles only: terraform/bootstrap."""
    roles = list(resources(dev.show(), "aws_iam_role"))

    assert len(roles) == 5  # execution, router, api, worker-tag-it, worker-pool-automation
    assert {role["permissions_boundary"] for role in roles} == {"arn:aws:iam::000000000000:policy/mfh-services"}
