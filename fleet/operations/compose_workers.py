"""Writes ``docker/workers.yaml``: one compose service per helper type, each behind a profile of its name.

``python -m fleet.operations.compose_workers`` from the project's root renews it after a helper was added.
"""

from __future__ import annotations

from pathlib import Path

from fleet.names import kebab
from helpers.registry import inventory

WORKERS_PATH = Path(__file__).parents[2] / "docker" / "workers.yaml"

_HEAD = """\
# Generated from helpers/inventory.json by `python -m fleet.operations.compose_workers`; do not edit.
# docker compose --profile tag-it up -d --scale tag-it=3
services:
"""
_SERVICE = """\
  {name}:
    extends: {{file: services.yaml, service: worker}}
    profiles: [{name}]
    environment: {{HELPER_TYPE: {helper_type}}}
"""


def render() -> str:
    """The file's text."""
    return _HEAD + "".join(
        _SERVICE.format(name=kebab(helper_type), helper_type=helper_type) for helper_type in sorted(inventory())
    )


if __name__ == "__main__":
    WORKERS_PATH.write_text(render(), encoding="utf-8")
