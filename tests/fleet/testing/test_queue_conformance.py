"""One suite for the queue double and for the emulators."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fleet.aws import aws_clients
from fleet.settings import FleetSettings
from fleet.testing.queues import InMemorySqs
from fleet.testing.queues.conformance import FifoConformance, QueueFactory
from tests import localstack


class TestDouble(FifoConformance):
    """In memory, on virtual time."""

    @pytest.fixture
    async def queues(self) -> QueueFactory:
        return QueueFactory(InMemorySqs(), slack=0.001)


@pytest.mark.stack
class TestEmulator(FifoConformance):
    """LocalStack or the embedded emulator, on real time."""

    @pytest.fixture
    async def queues(self, emulator_url: str) -> AsyncIterator[QueueFactory]:
        async with aws_clients(FleetSettings(aws_endpoint_url=emulator_url)) as aws:
            # LocalStack looks for timeouts that have passed once a second.
            yield QueueFactory(aws.sqs, slack=0.5 if localstack.why_not() else 1.5)

    @pytest.mark.embedded("LocalStack deletes by any receipt handle that the message ever had")
    async def test_an_old_handle_of_a_redelivered_message_deletes_nothing(self, queues: QueueFactory) -> None:
        """As AWS does it."""
        await super().test_an_old_handle_of_a_redelivered_message_deletes_nothing(queues)
