"""The compose project under test, with images built from this checkout."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import engine, localstack
from tests.docker.compose import Compose

BASE_IMAGE = "python:3.13-slim-bookworm"


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    """The whole system with three workers, healthy."""
    if reason := engine.why_not(BASE_IMAGE, localstack.image()):
        pytest.skip(reason)
    engine.sweep()
    project = Compose()
    try:
        project("up", "-d", "--build", "--wait", "--scale", "worker=3")
        yield project
    finally:
        engine.remove(project.project)
