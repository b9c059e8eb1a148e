"""The scripts inside the deployment's workflows do what their steps say, with gh, aws and docker played by stubs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef" * 2 + "01234567"
BUILT, FOUND = "sha256:" + "b" * 64, "sha256:" + "f" * 64

# What Terraform takes for an image.
BY_DIGEST = re.compile(
    re.findall(r'regex\("(.+)", var\.image\)', (ROOT / "terraform/modules/service/variables.tf").read_text())[0]
)

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed; GitHub's runners have it")


def step(workflow: str, job: str, name: str) -> dict[str, Any]:
    jobs = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())["jobs"]
    found: dict[str, Any] = next(each for each in jobs[job]["steps"] if each.get("name") == name)
    return found


class Runner:
    """Runs a step as GitHub does: bash -e, outputs in a file, stubs first on the path; calls are written down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()

    def stub(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.folder}/calls"\n{script}\n')
        path.chmod(0o755)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_REPOSITORY": "acme/helpers",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def outputs(self) -> dict[str, str]:
        path = self.folder / "output"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


GATE = step("deploy", "gate", "ci has passed the commit, on main")["run"]
PUSH = step("deploy", "images", "build and push what is not there yet")["run"]


def test_the_gate_lets_a_commit_through_that_ci_has_passed(runner: Runner) -> None:
    """Asked is for successful runs of pushes to main only."""
    runner.stub("gh", "echo 1")

    done = runner.run(GATE, COMMIT=COMMIT)

    assert done.returncode == 0, done.stderr
    assert runner.outputs == {"commit": COMMIT}
    (call,) = runner.calls
    assert "repos/acme/helpers/actions/workflows/ci.yml/runs" in call
    for filtered in (f"head_sha={COMMIT}", "branch=main", "event=push", "status=success"):
        assert f"-f {filtered}" in call


def test_the_gate_stops_a_commit_without_a_successful_ci(runner: Runner) -> None:
    """It says why, and hands nothing on."""
    runner.stub("gh", "echo 0")

    done = runner.run(GATE, COMMIT=COMMIT)

    assert done.returncode == 1
    assert "No successful ci run" in done.stdout
    assert runner.outputs == {}


def test_the_gate_stops_when_github_does_not_answer(runner: Runner) -> None:
    """No answer is no permission."""
    runner.stub("gh", "exit 1")

    assert runner.run(GATE, COMMIT=COMMIT).returncode != 0
    assert runner.outputs == {}


@pytest.mark.parametrize("commit", ["main", COMMIT[:7], f"{COMMIT}; echo", ""])
def test_the_gate_takes_full_shas_only(runner: Runner, commit: str) -> None:
    """A branch would mean something else at the next step."""
    runner.stub("gh", "echo 1")

    assert runner.run(GATE, COMMIT=commit).returncode == 1


def test_an_image_that_is_there_is_not_built_again(runner: Runner) -> None:
    """The worker's is; router and api are built and pushed under the commit, and named by their digests."""
    runner.stub("aws", f'case "$*" in *mfh-worker*) echo {FOUND} ;; *) exit 254 ;; esac')
    runner.stub("docker", f"echo '{json.dumps({'containerimage.digest': BUILT})}' > metadata.json")

    done = runner.run(PUSH, COMMIT=COMMIT, REGISTRY="1.dkr.ecr.us-west-2.amazonaws.com")

    assert done.returncode == 0, done.stderr
    expected = {"worker": FOUND, "router": BUILT, "api": BUILT}
    assert {name: runner.outputs[name] for name in expected} == expected
    assert json.loads(runner.outputs["digests"]) == expected
    builds = [call for call in runner.calls if call.startswith("docker")]
    assert len(builds) == 2
    assert all("--platform linux/amd64,linux/arm64" in call for call in builds)
    assert f"--tag 1.dkr.ecr.us-west-2.amazonaws.com/mfh-router:{COMMIT}" in builds[0]


def test_a_build_that_fails_stops_the_deployment(runner: Runner) -> None:
    """No digest is handed on."""
    runner.stub("aws", "exit 254")
    runner.stub("docker", "exit 1")

    assert runner.run(PUSH, COMMIT=COMMIT, REGISTRY="r").returncode != 0
    assert "digests" not in runner.outputs


def test_a_stage_is_applied_with_images_by_digest(runner: Runner) -> None:
    """What Terraform gets, and what the next plan starts from."""
    (runner.folder / "terraform/environments/qa").mkdir(parents=True)
    runner.stub("aws", 'case "$1" in sts) echo 123456789012 ;; esac')
    runner.stub("terraform", "")

    done = runner.run(
        step("deploy-stage", "deploy", "apply")["run"],
        STAGE="qa",
        AWS_REGION="us-west-2",
        STATE_BUCKET="states",
        DIGESTS=json.dumps({"worker": FOUND, "router": BUILT, "api": BUILT}),
    )

    assert done.returncode == 0, done.stderr
    images = json.loads((runner.folder / "terraform/environments/qa/images.auto.tfvars.json").read_text())["images"]
    assert images["worker"] == f"123456789012.dkr.ecr.us-west-2.amazonaws.com/mfh-worker@{FOUND}"
    assert set(images) == {"worker", "router", "api"}
    assert all(BY_DIGEST.search(image) for image in images.values())
    assert [call.split()[:2] for call in runner.calls] == [
        ["aws", "sts"],
        ["terraform", "init"],
        ["terraform", "plan"],
        ["terraform", "apply"],
        ["aws", "s3"],
    ]


def test_a_stage_that_was_never_deployed_is_planned_all_the_same(runner: Runner) -> None:
    """With digests that Terraform accepts and that name nothing."""
    runner.stub("aws", "exit 1")
    runner.stub("terraform", 'echo "Plan: 3 to add, 0 to change, 0 to destroy."')

    done = runner.run(
        step("plan", "plan", "plan with the images that run now")["run"],
        STAGE="qa",
        STATE_BUCKET="states",
        GITHUB_STEP_SUMMARY=str(runner.folder / "summary"),
    )

    assert done.returncode == 0, done.stderr
    images = json.loads((runner.folder / "images.auto.tfvars.json").read_text())["images"]
    assert images == dict.fromkeys(("worker", "router", "api"), "none@sha256:" + "0" * 64)
    assert all(BY_DIGEST.search(image) for image in images.values())
    assert "Plan: 3 to add" in (runner.folder / "summary").read_text()


STABLE = step("deploy-stage", "deploy", "services are stable, with what was deployed")["run"]
SERVICES = [f"mfh-qa-worker-{number:02}" for number in range(12)]


def ecs(runner: Runner, running: dict[str, str], failing: str = "") -> None:
    """Terraform has given every service revision 2; ``running`` is what AWS says of them."""
    deployed = json.dumps(dict.fromkeys(SERVICES, "arn:task:2"))
    runner.stub("terraform", f"case \"$3\" in -raw) printf mfh-qa ;; *) echo '{deployed}' ;; esac")
    table = "".join(f"{name}) printf '{name}\\t{revision}\\n' ;; " for name, revision in running.items())
    runner.stub(
        "aws",
        f'if [ "$2" = "{failing}" ]; then exit 255; fi\n'
        f'if [ "$2" = describe-services ]; then for name in "$@"; do case "$name" in {table}esac; done; fi',
    )


def test_every_service_is_waited_for(runner: Runner) -> None:
    """Ten at a time: AWS describes no more in one call."""
    ecs(runner, dict.fromkeys(SERVICES, "arn:task:2"))

    done = runner.run(STABLE, STAGE="qa")

    assert done.returncode == 0, done.stdout + done.stderr
    waits = [call for call in runner.calls if call.startswith("aws ecs wait services-stable --cluster mfh-qa")]
    assert [call.partition("--services ")[2].split() for call in waits] == [SERVICES[:10], SERVICES[10:]]


@pytest.mark.parametrize("call", ["describe-services", "wait"])
def test_services_that_cannot_be_seen_or_do_not_become_stable_fail_the_stage(runner: Runner, call: str) -> None:
    """No answer is not taken for no services."""
    ecs(runner, dict.fromkeys(SERVICES, "arn:task:2"), failing=call)

    assert runner.run(STABLE, STAGE="qa").returncode != 0


def test_a_service_that_went_back_to_the_revision_before_fails_the_stage(runner: Runner) -> None:
    """The circuit breaker leaves it stable, and the smoke would pass on the old code."""
    ecs(runner, {**dict.fromkeys(SERVICES, "arn:task:2"), SERVICES[3]: "arn:task:1"})

    done = runner.run(STABLE, STAGE="qa")

    assert done.returncode == 1
    assert SERVICES[3] in done.stdout
    assert SERVICES[4] not in done.stdout


@pytest.mark.parametrize(
    ("results", "passed"),
    [
        ("success success success", True),
        ("success skipped success", False),
        ("success failure", False),
        ("cancelled success", False),
        ("", False),
    ],
)
def test_ci_has_passed_when_all_of_it_has(runner: Runner, results: str, passed: bool) -> None:
    """A job that was skipped or cancelled has shown nothing."""
    (script,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["passed"]["steps"]

    assert (runner.run(script["run"], RESULTS=results).returncode == 0) is passed
