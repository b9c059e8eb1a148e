"""The committed config schemas: a change of a published schema shows up in review."""

from __future__ import annotations

import json
from pathlib import Path

from helpers import registry

SCHEMAS_PATH = Path(__file__).parents[1] / "schemas.json"


def render_schemas() -> str:
    """Helper type -> JSON schema (draft 2020-12) of its config, as the JSON text of `schemas.json`."""
    schemas = {helper_type: registry.schema(helper_type) for helper_type in sorted(registry.inventory())}
    return json.dumps(schemas, indent=2, ensure_ascii=False) + "\n"
