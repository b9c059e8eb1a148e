"""Router tests on virtual time, with silent logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from typing import Any

import pytest
import structlog

from fleet.testing.virtual_time import VirtualTimeLoop
from router.testing import Simulation


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of a test."""
    return {"virtual": VirtualTimeLoop}


def _drop(_logger: Any, _method: str, _event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def silent_logs() -> Iterator[None]:
    """Simulated fleets log thousands of lines; `structlog.testing.capture_logs` still sees what a test asks for."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    yield
    structlog.configure(**before)


@pytest.fixture
async def simulation() -> AsyncIterator[Simulation]:
    """A fleet without routers yet."""
    simulation = Simulation()
    yield simulation
    await simulation.kill_all()
