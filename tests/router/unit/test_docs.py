"""docs/router.md names every setting with its default, and every metric that is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet.settings import FleetSettings
from router.settings import RouterSettings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "router.md").read_text()
OWN = {name: field for name, field in RouterSettings.model_fields.items() if name not in FleetSettings.model_fields}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_setting_is_documented_with_its_default(name: str) -> None:
    """The table of settings is the operator's."""
    default = OWN[name].default
    text = f"{default:g}" if isinstance(default, float) else str(default)

    assert f"| `{name.upper()}` | {text} |" in PAGE


def test_every_metric_is_documented() -> None:
    """What is written can be found on the page, and nothing else."""
    source = "".join(path.read_text() for path in sorted((ROOT / "router").glob("*.py")))
    written = set(re.findall(r"\.(?:count|gauge|observe)\(\s*\"(\w+)\"", source))
    page = PAGE.split("## Metrics and health")[1].split("## When something")[0]
    documented = set(re.findall(r"`([A-Z][a-z]\w+)`", page))

    assert written == documented


@pytest.mark.parametrize(
    "event",
    [
        "lease_created",
        "lease_taken",
        "lease_taken_over",
        "lease_requested",
        "lease_handed_over",
        "lease_lost",
        "lease_ended",
        "lease_deleted",
    ],
)
def test_a_lease_event_of_the_page_exists(event: str) -> None:
    """An operator searches the logs for it."""
    assert any(f'"{event}"' in path.read_text() for path in (ROOT / "router").glob("*.py"))
    assert f"`{event}`" in PAGE
