"""terraform/bootstrap makes roles that a workflow can take and that cannot be taken further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.terraform.conftest import ROOT, Terraform, copy_of_terraform, emulator_environment
from tests.terraform.plans import as_list, resources

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("terraform")]

VARIABLES = ("-var=github_repository=acme/helpers", "-var=state_bucket=acme-mfh-state")
BOUNDARY = "arn:aws:iam::000000000000:policy/mfh-services"
# AWS's limits: all inline policies of a role, one managed policy; white space does not count.
INLINE_LIMIT, MANAGED_LIMIT = 10_240, 6_144


@pytest.fixture(scope="module")
def bootstrap(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: dict[str, str], embedded_url: str
) -> Terraform:
    """The root module, applied to the emulator; not destroyed: its bucket refuses."""
    root = copy_of_terraform(tmp_path_factory.mktemp("bootstrap"))
    terraform = Terraform(
        root / "terraform" / "bootstrap", {**terraform_environment, **emulator_environment(embedded_url)}
    )
    terraform.run("init", "-no-color")
    terraform.run("apply", "-no-color", "-auto-approve", *VARIABLES)
    return terraform


@pytest.fixture(scope="module")
def made(bootstrap: Terraform) -> dict[str, Any]:
    return bootstrap.show()


def statements(made: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in resources(made, "aws_iam_role_policy")
        if policy["role"] == role
        for statement in json.loads(policy["policy"])["Statement"]
    ]


def boundary(made: dict[str, Any]) -> dict[str, Any]:
    (policy,) = resources(made, "aws_iam_policy")
    document: dict[str, Any] = json.loads(policy["policy"])
    return document


def test_a_second_plan_changes_nothing(bootstrap: Terraform) -> None:
    done = bootstrap.run("plan", "-no-color", "-detailed-exitcode", *VARIABLES, check=False)

    assert done.returncode == 0, done.stdout


def test_a_role_is_taken_by_the_workflow_it_is_for_only(made: dict[str, Any]) -> None:
    """The subject is compared as a whole: a pattern such as repo:acme/* would let any branch deploy."""
    subjects = {}
    for role in resources(made, "aws_iam_role"):
        (statement,) = json.loads(role["assume_role_policy"])["Statement"]
        conditions = statement["Condition"]["StringEquals"]
        assert set(statement["Condition"]) == {"StringEquals"}
        assert as_list(conditions["token.actions.githubusercontent.com:aud"]) == ["sts.amazonaws.com"]
        subjects[role["name"]] = as_list(conditions["token.actions.githubusercontent.com:sub"])

    assert subjects == {
        "mfh-plan": ["repo:acme/helpers:pull_request"],
        "mfh-images": ["repo:acme/helpers:ref:refs/heads/main"],
        "mfh-deploy-dev": ["repo:acme/helpers:environment:dev"],
        "mfh-deploy-staging": ["repo:acme/helpers:environment:staging"],
        "mfh-deploy-prod": ["repo:acme/helpers:environment:prod"],
    }


def test_a_plan_reads_no_data_and_changes_nothing(made: dict[str, Any]) -> None:
    """The code of a pull request runs with it: neither items, messages nor secrets, and no writing verb."""
    actions = {action for each in statements(made, "mfh-plan") for action in as_list(each["Action"])}
    verbs = {action.partition(":")[2] for action in actions}

    assert all(verb.startswith(("Describe", "Get", "List")) for verb in verbs)
    assert not verbs & {"GetItem", "GetRecords", "GetSecretValue", "ReceiveMessage"}
    parameters = [each for each in statements(made, "mfh-plan") if "ssm:GetParameter" in as_list(each["Action"])]
    assert [name for each in parameters for name in as_list(each["Resource"])] == [
        "arn:aws:ssm:us-west-2:000000000000:parameter/mfh/*"
    ]


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_a_deployment_makes_bounded_roles_of_its_stage_only(made: dict[str, Any], stage: str) -> None:
    """Otherwise it could make itself an administrator."""
    dangerous = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", "iam:DeleteRolePolicy"}
    never = {"iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:CreateUser"}
    for statement in statements(made, f"mfh-deploy-{stage}"):
        actions = set(as_list(statement["Action"]))
        assert not actions & never
        assert not any(action.endswith(":*") or action == "*" for action in actions)
        if actions & dangerous:
            assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
        if any(action.startswith("iam:") and "List" not in action and "Get" not in action for action in actions):
            names = {name.rpartition(":")[2] for name in as_list(statement["Resource"])}
            assert names <= {f"role/mfh-{stage}-*", "role/aws-service-role/*"}


def test_a_stage_s_deployment_names_no_other_stage(made: dict[str, Any]) -> None:
    """Dev, which deploys without an approval, reaches nothing of prod by name."""
    for statement in statements(made, "mfh-deploy-dev"):
        verbs = [action.partition(":")[2] for action in as_list(statement["Action"])]
        if not all(verb.startswith(("Describe", "Get", "List")) for verb in verbs):
            assert not any("prod" in name for name in as_list(statement["Resource"])), statement["Sid"]
    names = [name for each in statements(made, "mfh-deploy-prod") for name in as_list(each["Resource"])]
    assert any("mfh-prod-" in name for name in names)


def test_nothing_a_service_may_do_is_beyond_the_boundary(made: dict[str, Any], dev: Terraform) -> None:
    """A right that the boundary leaves out is no right."""
    allowed = {a for each in boundary(made)["Statement"] if each["Effect"] == "Allow" for a in as_list(each["Action"])}
    granted = {
        action
        for policy in resources(dev.show(), "aws_iam_role_policy")
        for statement in json.loads(policy["policy"])["Statement"]
        for action in as_list(statement["Action"])
    }
    assert "dynamodb:GetItem" in granted
    assert granted <= allowed
    assert not any(action.startswith("iam:") for action in allowed)


def test_a_service_can_assume_roles_of_other_accounts_only(made: dict[str, Any]) -> None:
    """keap_backup writes to tenants' buckets; a role of our own account would be a way past the boundary."""
    assuming = [each for each in boundary(made)["Statement"] if "sts:AssumeRole" in as_list(each["Action"])]

    assert [each["Condition"] for each in assuming] == [{"StringNotEquals": {"aws:ResourceAccount": "000000000000"}}]


def test_policies_fit_into_the_limits_of_iam(made: dict[str, Any]) -> None:
    """Measured with the names that are used here; a long repository name is in no policy."""
    for role in resources(made, "aws_iam_role"):
        length = sum(
            len(json.dumps(json.loads(policy["policy"]), separators=(",", ":")))
            for policy in resources(made, "aws_iam_role_policy")
            if policy["role"] == role["name"]
        )
        assert 0 < length <= INLINE_LIMIT, role["name"]
    assert len(json.dumps(boundary(made), separators=(",", ":"))) <= MANAGED_LIMIT


def test_the_workflows_push_to_repositories_that_are_made(made: dict[str, Any]) -> None:
    """One for each image that ci builds."""
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    images = ci["jobs"]["image"]["strategy"]["matrix"]["service"]
    assert {each["name"] for each in resources(made, "aws_ecr_repository")} == {f"mfh-{image}" for image in images}


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_an_environment_s_state_is_where_its_role_may_write(made: dict[str, Any], stage: str) -> None:
    """The key of the backend is below mfh/STAGE/, its lock ends with .tflock."""
    text = Path(ROOT / "terraform" / "environments" / stage / "versions.tf").read_text()
    assert f'key          = "mfh/{stage}/terraform.tfstate"' in text
    writable = {
        name.partition("acme-mfh-state/")[2]
        for each in statements(made, f"mfh-deploy-{stage}")
        if set(as_list(each["Action"])) & {"s3:PutObject", "s3:DeleteObject"}
        for name in as_list(each["Resource"])
    }
    assert writable == {f"mfh/{stage}/*", f"mfh/{stage}/*.tflock"}
