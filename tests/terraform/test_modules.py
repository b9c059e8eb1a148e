"""The configuration is well-formed, holds for its provider, and its modules' rules hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform.conftest import PROVIDER_6, ROOT, Terraform, pin

TERRAFORM = ROOT / "terraform"
ROOTS = ["bootstrap", *sorted(f"environments/{path.name}" for path in (TERRAFORM / "environments").iterdir())]
MODULES = sorted(f"modules/{path.name}" for path in (TERRAFORM / "modules").iterdir())


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_every_file_is_formatted() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", "-diff", ROOT / "terraform"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", ROOTS)
def test_a_root_is_valid(folder: str, checkout: Path, provider: tuple[str, dict[str, str]]) -> None:
    version, environment = provider
    terraform = Terraform(checkout / "terraform" / folder, environment)
    pin(terraform.folder, version)
    terraform.run("init", "-backend=false", "-no-color", "-upgrade")
    terraform.run("validate", "-no-color")


@pytest.mark.parametrize("folder", ["bootstrap", *MODULES])
def test_the_rules_of_a_module_hold(folder: str, checkout: Path, terraform_environment: dict[str, str]) -> None:
    """Providers are mocked in them, so one schema will do here; CI runs them with both."""
    terraform = Terraform(checkout / "terraform" / folder, terraform_environment)
    pin(terraform.folder, PROVIDER_6)
    terraform.run("init", "-backend=false", "-no-color", "-upgrade")
    done = terraform.run("test", "-no-color")

    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", done.stdout), done.stdout


@pytest.mark.parametrize("folder", ["bootstrap", *MODULES])
def test_a_module_says_what_it_takes_and_gives(folder: str) -> None:
    """Each row of its README is a variable or an output with its description, and none is left out."""
    readme = (TERRAFORM / folder / "README.md").read_text()
    described: list[tuple[str, str]] = []
    for file, kind in (("variables.tf", "variable"), ("outputs.tf", "output")):
        text = (TERRAFORM / folder / file).read_text()
        found = re.findall(rf'^{kind} "(\w+)" \{{\n  description = "(.+)"$', text, re.M)
        assert len(found) == len(re.findall(rf"^{kind} ", text, re.M)) > 0, f"{folder}/{file}: one has no description"
        described += found

    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", readme, re.M) == described


@pytest.mark.parametrize("name", ["outputs.tf", "variables.tf"])
def test_environments_take_and_give_the_same(name: str) -> None:
    """They differ in main.tf, terraform.tfvars and the key of their state only."""
    texts = {(TERRAFORM / root / name).read_text() for root in ROOTS if root.startswith("environments/")}

    assert len(texts) == 1


def test_an_environment_takes_its_inputs_as_the_fleet_defines_them() -> None:
    """Types and defaults of the copies are those of modules/fleet; the fleet's checks hold behind both."""
    fleet, environment = _types("modules/fleet"), _types("environments/prod")
    assert set(environment) < set(fleet)

    assert environment == {name: fleet[name] for name in environment}


def _types(folder: str) -> dict[str, str]:
    """Each variable's block without description and validations."""
    text = (TERRAFORM / folder / "variables.tf").read_text()
    aside = re.compile(r"^  (description = [^\n]*|validation \{.*?^  \})\n", re.M | re.S)
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}$', text, re.M | re.S)
    return {name: aside.sub("", body).strip() for name, body in blocks}
