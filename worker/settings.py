"""The worker's settings. Every field is an environment variable of the same name in capitals."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from fleet.helper_settings import HelperRuntimeSettings
from helpers import registry
from helpers.errors import UnknownHelperType

VISIBILITY_CEILING_SECONDS = 43_200
IDLE_RECEIVE_SECONDS = 20


class WorkerSettings(HelperRuntimeSettings):
    """What one worker process serves, how much at a time, and how long it waits for what."""

    helper_type: str = Field(
        min_length=1, description="What to serve: a helper type, a comma list, category:<name> or *."
    )
    worker_name: str = Field(
        default="", description="Name of the service in the metric that scales it; empty = no such metric."
    )
    worker_concurrency: int = Field(default=20, ge=1, le=5000, description="Message groups worked on at a time.")
    worker_visibility_seconds: int = Field(
        default=60,
        ge=1,
        le=VISIBILITY_CEILING_SECONDS,
        description="Invisibility of a received message; also the lease.",
    )
    worker_wait_time_seconds: int = Field(
        default=IDLE_RECEIVE_SECONDS, ge=0, le=20, description="Longest wait of one receive (long poll)."
    )
    worker_max_attempts: int = Field(default=3, ge=1, le=20, description="Attempts before an execution is given up.")
    worker_backoff_base_seconds: float = Field(default=2, gt=0, le=3600, description="Backoff before the 2nd attempt.")
    worker_backoff_cap_seconds: float = Field(default=300, gt=0, le=21_600, description="Longest backoff of our own.")
    worker_ack_linger_milliseconds: float = Field(
        default=20, ge=0, le=1000, description="How long a delete waits for others to share its request."
    )
    worker_drain_running_seconds: float = Field(
        default=75, ge=0, le=110, description="T1: how long running helpers may finish after SIGTERM."
    )
    worker_drain_flush_seconds: float = Field(
        default=25, ge=0.5, le=110, description="T2: how long releases and deletes may take after T1."
    )
    stop_timeout_seconds: float = Field(default=120, ge=1, le=120, description="ECS stopTimeout: SIGKILL comes then.")
    worker_control_poll_seconds: float = Field(
        default=10, gt=0, le=15, description="How often the control documents are read."
    )
    worker_connection_cache_seconds: float = Field(
        default=120, ge=0, le=3600, description="How long loaded CRM credentials are used."
    )
    worker_blocked_loop_seconds: float = Field(
        default=1, gt=0, le=60, description="A blocked event loop is logged after this."
    )
    worker_memory_limit_megabytes: int = Field(
        default=0, ge=0, description="Resident memory at which the worker drains and restarts; 0 = no limit."
    )
    worker_cancel_grace_seconds: float = Field(
        default=5, gt=0, le=60, description="How long a cancelled helper may take to end before the process gives up."
    )
    ecs_agent_uri: str = Field(default="", description="ECS agent endpoint; empty = no scale-in protection.")
    worker_protection_minutes: int = Field(
        default=60, ge=1, le=2880, description="Scale-in protection ends by itself after this."
    )
    worker_protection_idle_seconds: float = Field(
        default=5, ge=0, le=600, description="How long a worker is idle before it gives up its protection."
    )

    @property
    def helper_types(self) -> list[str]:
        """The types that helper_type names."""
        return registry.select(self.helper_type)

    @property
    def concurrency(self) -> int:
        """worker_concurrency, raised to one permit per queue: a queue without a permit would never be polled."""
        return max(self.worker_concurrency, len(self.helper_types))

    @model_validator(mode="after")
    def _cross_checks(self) -> Self:
        try:
            registry.select(self.helper_type)
        except UnknownHelperType as exc:
            raise ValueError(str(exc)) from None
        if self.worker_drain_running_seconds + self.worker_drain_flush_seconds >= self.stop_timeout_seconds:
            raise ValueError(
                "WORKER_DRAIN_RUNNING_SECONDS + WORKER_DRAIN_FLUSH_SECONDS must be less than STOP_TIMEOUT_SECONDS: "
                "SIGKILL would cut the drain short"
            )
        if self.worker_backoff_base_seconds > self.worker_backoff_cap_seconds:
            raise ValueError("WORKER_BACKOFF_BASE_SECONDS must not exceed WORKER_BACKOFF_CAP_SECONDS")
        return self
