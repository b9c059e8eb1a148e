"""Terraform without a registry: a stand-in provider from beside the project, where it is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROVIDER_SETUP = ROOT.parent / "shared" / "terraform-provider" / "setup"
DIGEST = "repository@sha256:" + "a" * 64


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

    def output(self, name: str) -> Any:
        """An output's value."""
        return json.loads(self.run("output", "-json", name).stdout)


@pytest.fixture(scope="session")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that let `terraform init` find a provider; skips where there is no way."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    if not PROVIDER_SETUP.exists():
        pytest.skip("no stand-in provider on this machine; CI validates against the real one")
    cache = ROOT / ".cache" / "terraform-provider"
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([PROVIDER_SETUP, str(cache)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    name, _, value = done.stdout.strip().removeprefix("export ").partition("=")
    return {name: value.strip("'\""), "AWS_REGION": "us-west-2"}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what terraform reads: nothing is written into the working tree."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.auto.tfvars*")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=ignored)
    (folder / "helpers").mkdir()
    shutil.copy(ROOT / "helpers" / "inventory.json", folder / "helpers")
    return folder
