"""What docker compose is told agrees with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fleet.operations import compose_workers
from tests import localstack
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]


def test_there_is_a_worker_service_for_every_helper_type() -> None:
    inventory = json.loads((ROOT / compose_workers.INVENTORY_PATH).read_text())

    assert (ROOT / compose_workers.WORKERS_PATH).read_text() == compose_workers.render(inventory), (
        "renew it: python -m fleet.operations.compose_workers"
    )


def test_a_worker_is_killed_only_after_its_drain() -> None:
    settings = WorkerSettings(helper_type="tag_it")
    grace = re.search(r"stop_grace_period: (\d+)s", (ROOT / "docker" / "services.yaml").read_text())

    assert grace is not None
    assert int(grace[1]) > settings.worker_drain_running_seconds + settings.worker_drain_flush_seconds


def test_the_images_describe_every_aws_service_in_use() -> None:
    """The Dockerfile removes what botocore knows of the others."""
    kept = set(re.findall(r"! -name ([a-z0-9-]+)", (ROOT / "docker" / "Dockerfile").read_text()))
    sources = [
        file.read_text() for package in ("api", "fleet", "router", "worker") for file in (ROOT / package).rglob("*.py")
    ]
    asked = re.compile(r'(?:create_client|boto3\.client|service_client)\((?:[\w.]+, )?"([^"]+)"')
    used = {service for source in sources for service in asked.findall(source)}

    assert {"dynamodb", "s3"} <= used <= kept


def test_the_image_of_localstack_is_named_once_in_the_compose_file() -> None:
    """Tests read it from there; documents and CI, which cannot, name the same."""
    image = localstack.default_image()

    assert image == "localstack/localstack:4.14.0", "later tags need an account: a decision, not an update"
    for path in ("docker/README.md", ".github/workflows/ci.yml"):
        assert set(re.findall(r"localstack/localstack:[\w.]+", (ROOT / path).read_text())) == {image}, path


def test_an_image_named_by_the_environment_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """By compose and by the tests."""
    monkeypatch.setenv("LOCALSTACK_IMAGE", "elsewhere/localstack:1")

    assert localstack.image() == "elsewhere/localstack:1"
