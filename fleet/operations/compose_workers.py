"""Writes ``docker/workers.yaml``: one compose service per helper type, each behind a profile of its name.

`mfh helpers new` renews it; after other changes of the inventory, ``python -m fleet.operations.compose_workers`` does,
from the project's root.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.names import kebab

WORKERS_PATH = Path("docker/workers.yaml")
INVENTORY_PATH = Path("helpers/inventory.json")

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


def render(inventory: Mapping[str, Iterable[str]]) -> str:
    """The file's text for an inventory: helper types by category."""
    types = sorted(helper_type for of_category in inventory.values() for helper_type in of_category)
    return _HEAD + "".join(_SERVICE.format(name=kebab(type_), helper_type=type_) for type_ in types)


if __name__ == "__main__":
    WORKERS_PATH.write_text(render(json.loads(INVENTORY_PATH.read_text())), encoding="utf-8")
