"""Tests here run on virtual time, those on the emulator on real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from fleet.testing.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of a test."""
    if item.get_closest_marker("stack"):
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}
