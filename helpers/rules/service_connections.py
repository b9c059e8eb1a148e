"""The config key that names third-party connections: integration spec C4."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from helpers.rules.config_types import empty_is_default


def _without_blanks(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {slug: connection for slug, connection in value.items() if connection not in (None, "")}


ServiceConnections = Annotated[
    dict[str, str],
    BeforeValidator(_without_blanks),
    empty_is_default,
    Field(default_factory=dict, description="Service slug -> id of the connection with its credentials."),
]
"""Service slug -> connection id; entries that were not filled in are dropped. The runtime loads the credentials."""
