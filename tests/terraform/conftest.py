"""Terraform without a registry: a stand-in provider from beside the project, where it is there.

With TEST_TERRAFORM_PROVIDER=registry the real provider comes as for everybody: `terraform init` finds it by itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROVIDER_SETUP = ROOT.parent / "shared" / "terraform-provider" / "setup"
NOT_HERE = 77  # its exit code where there is no real provider
# What is verified of `>= 5.100, < 7.0`, as in .github/workflows/ci.yml.
PROVIDER_5, PROVIDER_6 = "~> 5.100.0", "~> 6.47"
REGION = {"AWS_REGION": "us-west-2"}
DIGEST = "repository@sha256:" + "a" * 64
INVENTORY = {"automation": ["route_it_by_day", "route_it_score"], "tagging": ["tag_it"]}
# Everything that is optional is on, so that all of it is made and looked at.
VARIABLES = tuple(
    f"-var={name}={value if isinstance(value, str) else json.dumps(value)}"
    for name, value in {
        "images": {"worker": DIGEST, "router": DIGEST, "api": DIGEST},
        "helper_overrides": {"tag_it": {"dedicated": True}},
        "api": {"certificate_arn": "arn:aws:acm:us-west-2:000000000000:certificate/c"},
        "permissions_boundary_arn": "arn:aws:iam::000000000000:policy/mfh-services",
        "helper_resources": {
            "artifacts_bucket": "mfh-artifacts",
            "backup_buckets": ["mfh-backups"],
            "mail_from": "helpers@example.com",
            "mail_identities": ["example.com"],
            "users_table": "mfh-dev-users",
        },
    }.items()
)


class Terraform:
    """Runs terraform in one folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = {**os.environ, **environment, "TF_IN_AUTOMATION": "1"}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command; its output is in the failure."""
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def show(self, *plan: str) -> dict[str, Any]:
        """The root module of the state, or of a saved plan."""
        shown = json.loads(self.run("show", "-json", *plan).stdout)
        root: dict[str, Any] = shown["planned_values" if plan else "values"]["root_module"]
        return root

    def output(self, name: str) -> Any:
        """An output's value."""
        return json.loads(self.run("output", "-json", name).stdout)


def _skip_without_terraform() -> None:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    if not PROVIDER_SETUP.exists():
        pytest.skip("no stand-in provider on this machine; CI validates against the real one")


def _configured(*arguments: str) -> dict[str, str]:
    """The variables that let `terraform init` find a provider; skips where there is no way."""
    _skip_without_terraform()
    done = subprocess.run([PROVIDER_SETUP, *arguments], capture_output=True, text=True, timeout=280)
    if done.returncode == NOT_HERE:
        pytest.skip("this machine carries no real provider")
    assert done.returncode == 0, done.stderr[-2000:]
    _, _, value = done.stdout.strip().partition("=")
    return _environment(Path(value.strip("'\"")))


def _environment(configuration: Path) -> dict[str, str]:
    return {"TF_CLI_CONFIG_FILE": str(configuration), **REGION}


@pytest.fixture(scope="session")
def terraform_environment() -> dict[str, str]:
    """With a stand-in that has the schema of provider 6."""
    _skip_without_terraform()
    cache = ROOT / ".cache" / "terraform-provider"
    cache.mkdir(parents=True, exist_ok=True)
    configuration = cache / "terraform.rc"
    # Test processes set it up one after the other, and leave alone what another one may be running.
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if configuration.exists() and str(cache) in configuration.read_text():
            return _environment(configuration)
        return _configured(str(cache))


def real_provider() -> dict[str, str]:
    """With the real provider: the registry's where that is asked for, else the machine's, or a skip."""
    wanted = os.environ.get("TEST_TERRAFORM_PROVIDER", "")
    assert wanted in {"", "registry"}, f"TEST_TERRAFORM_PROVIDER is {wanted!r}: registry, or leave it out"
    return REGION if wanted else _configured("--real")


def pin(root: Path, version: str) -> None:
    """Have a root module of a copy take this version of the provider."""
    aws = f'aws = {{\n      source  = "hashicorp/aws"\n      version = "{version}"\n    }}'
    (root / "provider_override.tf").write_text(f"terraform {{\n  required_providers {{\n    {aws}\n  }}\n}}\n")


@pytest.fixture(scope="session", params=[PROVIDER_6, PROVIDER_5])
def provider(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """Both ends of `>= 5.100, < 7.0`: a stand-in for 6, and the real 5 where it is to be had."""
    if request.param == PROVIDER_5:
        return PROVIDER_5, real_provider()
    return PROVIDER_6, request.getfixturevalue("terraform_environment")


def copy_of_terraform(folder: Path) -> Path:
    """A copy of what terraform reads: nothing is written into the working tree."""
    ignored = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.auto.tfvars*")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=ignored)
    (folder / "helpers").mkdir()
    shutil.copy(ROOT / "helpers" / "inventory.json", folder / "helpers")
    return folder


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout to validate and test in."""
    return copy_of_terraform(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def dev(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: dict[str, str], embedded_url: str
) -> Iterator[Terraform]:
    """The dev environment, applied to the emulator with two helper types."""
    root = copy_of_terraform(tmp_path_factory.mktemp("dev"))
    (root / "helpers" / "inventory.json").write_text(json.dumps(INVENTORY))
    folder = root / "terraform" / "environments" / "dev"
    (folder / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    terraform = Terraform(folder, {**terraform_environment, **emulator_environment(embedded_url)})
    terraform.run("init", "-no-color", "-reconfigure")
    terraform.run("apply", "-no-color", "-auto-approve", *VARIABLES)
    yield terraform
    terraform.run("destroy", "-no-color", "-auto-approve", *VARIABLES)


def emulator_environment(url: str) -> dict[str, str]:
    """What leads a provider to the emulator."""
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "emulator"}
