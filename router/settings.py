"""What a router reads from its environment, on top of the fleet's settings."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from fleet.settings import FleetSettings


class RouterSettings(FleetSettings):
    """Settings of ``python -m router``."""

    router_failover_seconds: float = Field(
        default=10.0, ge=1, le=300, description="A lease whose counter stands still for so long may be taken."
    )
    router_lease_scan_seconds: float = Field(
        default=2.0, ge=0.1, le=60, description="Mean period between two looks at the lease table."
    )
    router_sync_seconds: float = Field(
        default=60.0, ge=1, le=600, description="Mean period between two full listings of the stream's shards."
    )
    router_handover_seconds: float = Field(
        default=3.0, ge=0.1, le=60, description="Longest a lease that is given up waits for records in flight."
    )
    router_checkpoint_seconds: float = Field(
        default=1.0, ge=0, le=60, description="Shortest period between two checkpoints of one shard."
    )
    router_child_listing_attempts: int = Field(
        default=10, ge=1, le=50, description="How often the children of an ended shard are asked for at once."
    )

    router_page_records: int = Field(
        default=1000, ge=1, le=1000, description="Records asked for in one GetRecords call."
    )
    router_pages_in_flight: int = Field(
        default=3, ge=1, le=20, description="Pages of one shard in memory: one is sent while the next is read."
    )
    router_sends_in_flight: int = Field(
        default=8, ge=1, le=64, description="SendMessageBatch calls of one shard at the same time."
    )
    router_idle_poll_seconds: float = Field(
        default=0.25, ge=0.25, le=10, description="Wait between reads of a shard without records: at most 4 a second."
    )
    router_active_poll_seconds: float = Field(
        default=0.1, ge=0.01, le=10, description="Wait after a page that held records but was not full."
    )
    router_trimmed_data: Literal["skip", "stop"] = Field(
        default="skip",
        description="When records were trimmed unread: skip goes on at the horizon and counts, stop parks the shard.",
    )

    router_schedule_poll_seconds: float = Field(
        default=0.5, ge=0.05, le=60, description="Wait between two looks for scheduled executions that are due."
    )
    router_schedule_concurrency: int = Field(
        default=32, ge=1, le=256, description="Due executions of different groups that are queued at the same time."
    )
    router_stall_seconds: float = Field(
        default=60.0, ge=1, le=3600, description="Unhealthy when records of a shard wait so long without any progress."
    )
    router_metrics_seconds: float = Field(
        default=10.0, ge=0.1, le=300, description="Period between two flushes of the metrics."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.router_lease_scan_seconds > self.router_failover_seconds / 2:
            raise ValueError("ROUTER_LEASE_SCAN_SECONDS must be at most half of ROUTER_FAILOVER_SECONDS")
        if self.router_handover_seconds >= self.router_failover_seconds:
            raise ValueError("ROUTER_HANDOVER_SECONDS must be less than ROUTER_FAILOVER_SECONDS")
        if self.router_active_poll_seconds > self.router_idle_poll_seconds:
            raise ValueError("ROUTER_ACTIVE_POLL_SECONDS must be at most ROUTER_IDLE_POLL_SECONDS")
        return self

    @property
    def renew_seconds(self) -> float:
        """Period between two renewals of a lease."""
        return self.router_failover_seconds / 3
