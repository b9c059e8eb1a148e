"""The configuration is well-formed, holds for its provider, and its modules' rules hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform.conftest import ROOT, Terraform

MODULES = sorted(path.name for path in (ROOT / "terraform" / "modules").iterdir())
ENVIRONMENTS = sorted(path.name for path in (ROOT / "terraform" / "environments").iterdir())

# In one test process with the apply: they share the provider that is set up once per process.
pytestmark = pytest.mark.xdist_group("terraform")


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_every_file_is_formatted() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", ROOT / "terraform"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_valid(environment: str, checkout: Path, terraform_environment: dict[str, str]) -> None:
    terraform = Terraform(checkout / "terraform" / "environments" / environment, terraform_environment)
    terraform.run("init", "-backend=false", "-no-color")
    terraform.run("validate", "-no-color")


@pytest.mark.parametrize("module", [m for m in MODULES if (ROOT / "terraform" / "modules" / m / "tests").exists()])
def test_the_rules_of_a_module_hold(module: str, checkout: Path, terraform_environment: dict[str, str]) -> None:
    terraform = Terraform(checkout / "terraform" / "modules" / module, terraform_environment)
    terraform.run("init", "-backend=false", "-no-color")
    terraform.run("test", "-no-color")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_takes_and_gives(module: str) -> None:
    folder = ROOT / "terraform" / "modules" / module
    readme = (folder / "README.md").read_text()
    for file in ("variables.tf", "outputs.tf"):
        described = re.findall(
            r'^(?:variable|output) "(\w+)" \{\n  description = "(.+)"$', (folder / file).read_text(), re.M
        )
        assert described
        for name, description in described:
            assert f"| `{name}` | {description} |" in readme, f"{module}/README.md does not say this of {name}"
