"""What the tests of a router fleet look at, and how they fill its table."""

from __future__ import annotations

from router.leases import SCHEDULER_KEY, Lease
from router.testing import Simulation
from router.testing.simulation import SETTINGS

FAILOVER = SETTINGS.router_failover_seconds


def lease(simulation: Simulation, shard_id: str) -> Lease:
    """The lease of a shard as stored."""
    key = next(key for key in simulation.leases.leases if key.endswith(shard_id))
    return simulation.leases.leases[key]


def owners(simulation: Simulation) -> dict[str, int]:
    """Readable shards by owner."""
    count: dict[str, int] = {}
    for each in simulation.leases.leases.values():
        if each.key != SCHEDULER_KEY and not each.ended and each.owner:
            count[each.owner] = count.get(each.owner, 0) + 1
    return count


def fill(simulation: Simulation, count: int, contacts: int = 5) -> None:
    """Insert executions, dealt out to the contacts in turn."""
    for number in range(count):
        simulation.insert(f"contact-{number % contacts}")
