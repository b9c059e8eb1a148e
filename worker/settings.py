"""Settings of the worker."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from fleet.helper_settings import HelperRuntimeSettings

# ECS on Fargate sends SIGKILL at the latest 120 s after SIGTERM.
STOP_TIMEOUT_SECONDS = 120


class WorkerSettings(HelperRuntimeSettings):
    """What the worker adds to the shared settings."""

    helper_type: str = Field(description="tag_it | a comma list | category:contact | * (a pool).")
    worker_concurrency: int = Field(default=20, ge=1, le=500, description="Message groups worked on at a time.")
    worker_poll_seconds: int = Field(default=20, ge=1, le=20, description="Length of a long poll.")
    worker_visibility_seconds: int = Field(
        default=60, ge=3, le=43_200, description="How long a message and its execution belong to a silent worker."
    )
    worker_heartbeat_seconds: float = Field(
        default=0, ge=0, description="Interval at which both are extended; 0 = visibility / 3."
    )
    worker_max_attempts: int = Field(default=3, ge=1, le=20, description="Attempts before an execution fails for good.")
    worker_backoff_base_seconds: float = Field(default=2.0, gt=0, le=300, description="First retry waits up to this.")
    worker_backoff_cap_seconds: float = Field(default=600.0, gt=0, le=43_200, description="No retry waits longer.")
    worker_delete_linger_seconds: float = Field(
        default=0.02, ge=0, le=1, description="How long a delete waits for others to share its batch."
    )
    worker_drain_seconds: float = Field(default=75.0, ge=0, description="After SIGTERM: time for running helpers (T1).")
    worker_flush_seconds: float = Field(default=20.0, gt=0, description="Then: time to release and delete (T2).")
    worker_blocked_loop_seconds: float = Field(default=1.0, gt=0, description="A loop blocked longer is logged.")
    worker_memory_limit_mb: int = Field(
        default=0, ge=0, description="Resident memory at which the worker drains and ends with an error; 0 = no limit."
    )
    worker_control_seconds: float = Field(
        default=10.0, gt=0, le=15, description="Interval of reading the control document."
    )
    worker_connection_cache_seconds: float = Field(default=300.0, ge=0, description="How long credentials are kept.")
    ecs_agent_uri: str = Field(default="", description="ECS agent endpoint; set by ECS, empty elsewhere.")

    @property
    def heartbeat_seconds(self) -> float:
        """The interval between two extensions."""
        return self.worker_heartbeat_seconds or self.worker_visibility_seconds / 3

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heartbeat_seconds >= self.worker_visibility_seconds / 2:
            raise ValueError(
                "WORKER_HEARTBEAT_SECONDS: write less than half of WORKER_VISIBILITY_SECONDS, so that one lost "
                "heartbeat loses no message"
            )
        if self.worker_drain_seconds + self.worker_flush_seconds >= STOP_TIMEOUT_SECONDS:
            raise ValueError(
                f"WORKER_DRAIN_SECONDS + WORKER_FLUSH_SECONDS: together less than the stop timeout "
                f"({STOP_TIMEOUT_SECONDS} s), or ECS kills the worker before it is done"
            )
        if self.worker_backoff_base_seconds > self.worker_backoff_cap_seconds:
            raise ValueError("WORKER_BACKOFF_BASE_SECONDS: not more than WORKER_BACKOFF_CAP_SECONDS")
        return self
