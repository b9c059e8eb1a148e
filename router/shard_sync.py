"""Keeps the lease table in step with the stream: new shards, late children, re-enabled streams, clean-up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence

import structlog

from fleet.clock import SystemClock
from router.held_lease import HeldLease
from router.leases import SCHEDULER_KEY, TRIM_HORIZON, Lease, LeaseConflict, LeaseTable, lease_key
from router.listing import StreamListing, list_children, list_shards, list_streams
from router.streams import AWS_ERRORS, StreamsClient, Trouble, error_code, trouble

log = structlog.get_logger(__name__)

# Records live 24 h. A lease that ended longer ago than that can replay nothing, whatever a listing still says.
KEEP_ENDED_SECONDS = 25 * 3600
CHILD_BACKOFF_SECONDS = (0.05, 1.0)


class ShardSync:
    """Creates leases at TRIM_HORIZON for whatever is listed and has none. Any number of routers may run it."""

    def __init__(
        self,
        streams: StreamsClient,
        table: LeaseTable,
        executions_table: str,
        clock: SystemClock,
        *,
        child_attempts: int = 10,
    ) -> None:
        self._streams = streams
        self._table = table
        self._executions_table = executions_table
        self._clock = clock
        self._child_attempts = child_attempts

    async def run_once(self) -> bool:
        """One full sync; True when it created a lease. Raises what the services raise."""
        arns = await list_streams(self._streams, self._executions_table)
        leases = {lease.key: lease for lease in await self._table.scan() if lease.key != SCHEDULER_KEY}
        # Streams that are not listed any more may still have leases to end and to clean up.
        arns = sorted({lease.stream_arn for lease in leases.values()} - set(arns)) + arns
        listings: dict[str, StreamListing] = {}
        # Everything of an earlier stream was written before the first record of a later one.
        older: list[str] = []
        for arn in arns:
            listing = await self._listing(arn)
            if listing is not None:
                listings[arn] = listing
                await self._create_missing(listing, leases, roots_after=older)
                await self._record_late_children(listing, leases)
                older += [key for key in listing.lease_keys() if key not in leases]
            older += [key for key, lease in leases.items() if lease.stream_arn == arn and not lease.ended]
        await self._delete_trimmed(listings, leases)
        return any(key not in leases for key in older)

    async def _listing(self, arn: str) -> StreamListing | None:
        try:
            return await list_shards(self._streams, arn)
        except AWS_ERRORS as exc:
            if trouble(exc) is not Trouble.GONE:
                raise
            return None

    async def _create_missing(
        self, listing: StreamListing, leases: Mapping[str, Lease], *, roots_after: Sequence[str]
    ) -> None:
        for shard in listing.graph.in_lineage_order():
            key = lease_key(listing.stream_arn, shard.shard_id)
            if key not in leases:
                parent = listing.graph.parent(shard.shard_id)
                parents = (lease_key(listing.stream_arn, parent),) if parent else tuple(sorted(roots_after))
                await self._create(listing.stream_arn, shard.shard_id, parents)

    async def _create(self, arn: str, shard_id: str, parents: Iterable[str]) -> None:
        lease = Lease(key=lease_key(arn, shard_id), stream_arn=arn, shard_id=shard_id, parents=tuple(parents))
        if await self._table.create(lease):
            log.info("lease_created", lease_key=lease.key, parents=lease.parents)

    async def _record_late_children(self, listing: StreamListing, leases: Mapping[str, Lease]) -> None:
        for lease in leases.values():
            if lease.stream_arn != listing.stream_arn or not lease.ended:
                continue
            children = {lease_key(lease.stream_arn, child) for child in listing.graph.children(lease.shard_id)}
            if children - set(lease.children):
                try:
                    await self._table.swap(lease, lease.with_children(sorted(children)))
                except LeaseConflict:
                    log.info("late_children_already_recorded", lease_key=lease.key)

    async def _delete_trimmed(self, listings: Mapping[str, StreamListing], leases: Mapping[str, Lease]) -> None:
        """Delete what ended, is trimmed, and whose children all have made progress of their own.

        Earlier would replay it: a listing may still show the shard, and a lease that is missing is created again.
        """
        before = self._clock.now().timestamp() - KEEP_ENDED_SECONDS
        for lease in leases.values():
            listing = listings.get(lease.stream_arn)
            listed = listing is not None and lease.shard_id in listing.graph
            begun = all(leases[child].checkpoint != TRIM_HORIZON for child in lease.children if child in leases)
            replayable = listed or (lease.checkpointed_at or 0) >= before
            if lease.ended and begun and not replayable and await self._table.delete(lease):
                log.info("lease_deleted", lease_key=lease.key)

    # at the end of a shard ------------------------------------------------------------------------------
    async def find_children(self, held: HeldLease) -> Sequence[str]:
        """Keys of the children of an ended shard, each with a lease, before SHARD_END is written.

        Children are listed late: asked up to ``child_attempts`` times, 50 ms doubling to 1 s with jitter. None in the
        end is no error: a disabled stream has none, and a full sync finds whatever was missed.
        """
        lease = held.lease
        least, most = CHILD_BACKOFF_SECONDS
        for attempt in range(self._child_attempts):
            children, disabled = await self._children(lease)
            if children or disabled:
                break
            await asyncio.sleep(min(most, least * 2**attempt) * random.uniform(0.8, 1.2))
        else:
            log.warning("children_not_listed", lease_key=lease.key, attempts=self._child_attempts)
        for child in children:
            await self._create(lease.stream_arn, child, (lease.key,))
        return [lease_key(lease.stream_arn, child) for child in children]

    async def _children(self, lease: Lease) -> tuple[Sequence[str], bool]:
        try:
            return await list_children(self._streams, lease.stream_arn, lease.shard_id)
        except AWS_ERRORS as exc:
            if trouble(exc) is Trouble.GONE:
                return (), True
            log.warning("child_listing_failed", lease_key=lease.key, code=error_code(exc))
            return (), False
