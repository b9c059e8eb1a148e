"""The worker's settings and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fleet.settings import SettingsRefused
from worker.settings import WorkerSettings


def settings(**values: object) -> WorkerSettings:
    return WorkerSettings.from_environment(**values)


def test_a_pool_names_its_types() -> None:
    """One, a comma list, a category or all."""
    assert settings(helper_type="tag_it").helper_types == ["tag_it"]
    assert settings(helper_type="copy_it, tag_it").helper_types == ["copy_it", "tag_it"]
    assert "copy_it" in settings(helper_type="category:contact").helper_types
    assert len(settings(helper_type="*").helper_types) > 50


def test_a_pool_has_a_permit_for_every_queue() -> None:
    """The concurrency is raised where it is less than the number of queues."""
    pool = settings(helper_type="*", worker_concurrency=5)

    assert pool.concurrency == len(pool.helper_types)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"helper_type": "no_such_type"}, "no helper type"),
        ({"helper_type": ""}, "HELPER_TYPE"),
        ({"helper_type": "tag_it", "worker_drain_running_seconds": 100, "worker_drain_flush_seconds": 30}, "SIGKILL"),
        ({"helper_type": "tag_it", "worker_visibility_seconds": 43_201}, "43200"),
        ({"helper_type": "tag_it", "worker_backoff_base_seconds": 400}, "must not exceed"),
        ({"helper_type": "tag_it", "worker_wait_time_seconds": 21}, "20"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_start(values: dict[str, object], problem: str) -> None:
    """With the name of the variable or the rule that is broken."""
    with pytest.raises(SettingsRefused, match=problem):
        settings(**values)


def test_only_the_served_helper_modules_are_imported() -> None:
    """A worker of one type stays small: no other helper, no heavy library of one."""
    program = (
        "import sys, worker.service; from helpers import registry; registry.load('copy_it'); "
        "print(*sorted(m for m in sys.modules if m.startswith('helpers.') or '.' not in m))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    helpers = set(registry_modules())

    assert helpers & set(loaded) == {"helpers.contact.copy_it"}
    assert not {"phonenumbers", "openpyxl", "geoip2", "ministack", "boto3.session", "fastapi"} & set(loaded)


def registry_modules() -> list[str]:
    from helpers.registry import inventory

    return [f"helpers.{category}.{helper_type}" for helper_type, category in inventory().items()]
