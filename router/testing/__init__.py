"""For whoever changes the router: the lease table in memory, and a fleet of routers on virtual time."""

from router.testing.lease_table import MemoryLeaseTable
from router.testing.node import Node
from router.testing.queues import RecordingSqs
from router.testing.simulation import Simulation

__all__ = ["MemoryLeaseTable", "Node", "RecordingSqs", "Simulation"]
