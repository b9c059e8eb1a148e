"""Router tests run on virtual time unless they need the emulator; logs are silent."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True, scope="session")
def silent_logs() -> Iterator[None]:
    """Simulated fleets log thousands of lines; `structlog.testing.capture_logs` still sees what a test asks for."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
