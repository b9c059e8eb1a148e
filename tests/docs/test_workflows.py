"""The workflows are pinned, bounded, and hold no long-lived keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
USES = re.compile(r"^\s*(?:- )?uses:\s*(.+?)\s*$", re.MULTILINE)
LONG_LIVED = re.compile(r"aws-(access-key-id|secret-access-key)|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)|AKIA[0-9A-Z]{16}")

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(path.read_text())["jobs"])


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job.get("steps", [])]


def test_the_two_workflows_are_there() -> None:
    """Nothing below holds of an empty folder."""
    assert {"ci", "deploy"} <= {path.stem for path in WORKFLOWS}


@each_workflow
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved to other code; a workflow of this repository comes with the commit."""
    found = USES.findall(path.read_text())
    assert found
    assert [use for use in found if not use.startswith("./.github/workflows/") and not PINNED.fullmatch(use)] == []


@each_workflow
def test_no_long_lived_keys_are_used(path: Path) -> None:
    """AWS is reached through a role and OIDC."""
    assert LONG_LIVED.search(path.read_text()) is None
    roles = [step for step in steps(path) if "configure-aws-credentials" in step.get("uses", "")]
    assert all(step["with"]["role-to-assume"].startswith("${{ vars.") for step in roles)


@each_workflow
def test_rights_are_declared_and_nothing_but_the_identity_is_written(path: Path) -> None:
    """Without the block a job has whatever the repository grants by default."""
    permissions = yaml.safe_load(path.read_text())["permissions"]
    assert permissions["contents"] == "read"
    needs_identity = "configure-aws-credentials" in path.read_text() or "deploy-stage.yml" in path.read_text()
    written = {name for name, right in permissions.items() if right == "write"}
    assert written == ({"id-token"} if needs_identity else set())
    assert not any("permissions" in job for job in jobs(path).values())


@each_workflow
def test_every_job_ends(path: Path) -> None:
    """GitHub's own limit is six hours; a job that calls a workflow has that one's limits."""
    assert [name for name, job in jobs(path).items() if "uses" not in job and "timeout-minutes" not in job] == []


@each_workflow
def test_checkouts_leave_no_token_behind(path: Path) -> None:
    """Nothing that runs after the checkout needs it."""
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_stages_follow_one_another() -> None:
    """prod is reached through staging, staging through dev."""
    deploy = jobs(ROOT / ".github/workflows/deploy.yml")
    assert deploy["dev"]["needs"] == "images"
    assert "dev" in deploy["staging"]["needs"]
    assert "staging" in deploy["prod"]["needs"]


def test_a_stage_is_a_github_environment() -> None:
    """That is where the approval of prod is asked for."""
    stage = jobs(ROOT / ".github/workflows/deploy-stage.yml")["deploy"]
    assert stage["environment"] == "${{ inputs.stage }}"


def test_ci_checks_every_image_and_both_ends_of_python() -> None:
    """The images are those the Dockerfile builds; the oldest Python is the one pyproject.toml asks for."""
    ci = jobs(ROOT / ".github/workflows/ci.yml")
    targets = set(re.findall(r"^FROM .+ AS (\w+)$", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE))
    assert set(ci["image"]["strategy"]["matrix"]["service"]) == {"worker", "router", "api"} <= targets
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest is not None
    assert oldest[1] in ci["test"]["strategy"]["matrix"]["python"]
