"""What docker compose is told agrees with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fleet.operations import compose_workers
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
