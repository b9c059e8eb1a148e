"""An SQS FIFO queue in memory, and the conformance suite that it and the emulators pass."""

from fleet.testing.queues.client import InMemorySqs
from fleet.testing.queues.fifo import FifoQueue, QueueAttributes, QueueRefused

__all__ = ["FifoQueue", "InMemorySqs", "QueueAttributes", "QueueRefused"]
