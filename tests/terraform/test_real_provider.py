"""The real provider 5 applies an environment as the stand-in does: the machine's, or in CI that of the registry."""

from __future__ import annotations

import json

import pytest

from tests.terraform.conftest import (
    PROVIDER_5,
    VARIABLES,
    Terraform,
    copy_of_terraform,
    emulator_environment,
    pin,
    real_provider,
)

pytestmark = pytest.mark.stack

INVENTORY = {"tagging": ["tag_it"]}
# The emulator has neither Application Auto Scaling nor load balancers that the provider waits for.
APPLIED = (*(each for each in VARIABLES if not each.startswith("-var=api=")), "-var=enable_autoscaling=false")
# What the emulator does not read back as it was written.
DRIFT = {"aws_cloudwatch_metric_alarm", "aws_ecs_service"}


def test_the_real_provider_makes_an_environment(tmp_path_factory: pytest.TempPathFactory, embedded_url: str) -> None:
    """staging, beside dev on the same emulator; not destroyed, its tables are protected."""
    root = copy_of_terraform(tmp_path_factory.mktemp("real"))
    (root / "helpers" / "inventory.json").write_text(json.dumps(INVENTORY))
    folder = root / "terraform" / "environments" / "staging"
    (folder / "override.tf").write_text(
        'terraform {\n  backend "local" {}\n}\n'
        'provider "aws" {\n  skip_credentials_validation = true\n  skip_metadata_api_check = true\n}\n'
    )
    pin(folder, PROVIDER_5)
    (folder / "terraform.tfvars").unlink()  # overrides of types that are not in this inventory
    terraform = Terraform(folder, {**real_provider(), **emulator_environment(embedded_url)})
    terraform.run("init", "-no-color")
    terraform.run("apply", "-no-color", "-auto-approve", *APPLIED)

    terraform.run("plan", "-no-color", "-out=second.tfplan", *APPLIED)
    plan = json.loads(terraform.run("show", "-json", "second.tfplan").stdout)

    changed = {
        each["type"] for each in plan["resource_changes"] if each["change"]["actions"] not in (["no-op"], ["read"])
    }
    assert changed <= DRIFT
    assert terraform.output("environments")["mfh-staging-worker-tag-it"]["HELPER_TYPE"] == "tag_it"
