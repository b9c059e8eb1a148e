"""One suite for the queue double and for the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fleet.aws import aws_clients
from fleet.settings import FleetSettings
from fleet.testing.queues import InMemorySqs
from fleet.testing.queues.conformance import FifoConformance, QueueFactory


class TestDouble(FifoConformance):
    """In memory, on virtual time."""

    @pytest.fixture
    async def queues(self) -> QueueFactory:
        return QueueFactory(InMemorySqs(), slack=0.001)


@pytest.mark.stack
class TestEmulator(FifoConformance):
    """The embedded emulator, on real time."""

    @pytest.fixture
    async def queues(self, emulator_url: str) -> AsyncIterator[QueueFactory]:
        async with aws_clients(FleetSettings(aws_endpoint_url=emulator_url)) as aws:
            yield QueueFactory(aws.sqs)
