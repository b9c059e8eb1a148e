"""The queue directory: helper type -> queue URL, from SSM. No code ever guesses a queue's name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from fleet import names
from fleet.clock import SystemClock

if TYPE_CHECKING:
    from types_aiobotocore_ssm.client import SSMClient

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 300.0
# A type that is not there is looked up again, but a flood of records for it must not flood SSM.
MISS_REFRESH_SECONDS = 5.0


class QueueDirectory:
    """Reads ``/mfh/{stage}/sqs`` by path once, then on a miss and every five minutes.

    Call :meth:`url` and :meth:`dead_letter_url`; both answer None for a type that has no queue. A refresh that
    fails keeps the old answers: known queues stay reachable while SSM does not answer.
    """

    def __init__(self, ssm: SSMClient, stage: str, *, clock: SystemClock | None = None) -> None:
        self._ssm = ssm
        self._stage = stage
        self._clock = clock or SystemClock()
        self._urls: dict[str, str] = {}
        self._loaded_at: float | None = None
        self._lock = asyncio.Lock()

    async def url(self, helper_type: str) -> str | None:
        """The URL of the type's queue."""
        return await self._parameter(names.queue_url_parameter(self._stage, helper_type))

    async def dead_letter_url(self, helper_type: str) -> str | None:
        """The URL of the type's dead-letter queue."""
        return await self._parameter(names.dead_letter_queue_url_parameter(self._stage, helper_type))

    async def types(self) -> list[str]:
        """Every helper type that has a queue."""
        await self._refresh_after(REFRESH_SECONDS)
        return sorted(path.split("/")[-2] for path in self._urls if path.endswith("/queue-url"))

    async def _parameter(self, path: str) -> str | None:
        await self._refresh_after(REFRESH_SECONDS)
        if path not in self._urls:
            await self._refresh_after(MISS_REFRESH_SECONDS)
        return self._urls.get(path)

    async def _refresh_after(self, seconds: float) -> None:
        if not self._older_than(seconds):
            return
        async with self._lock:
            if self._older_than(seconds):
                await self.refresh()

    def _older_than(self, seconds: float) -> bool:
        return self._loaded_at is None or self._clock.monotonic() - self._loaded_at >= seconds

    async def refresh(self) -> None:
        """Read all parameters of the path. The first read raises when SSM fails; later ones log and keep."""
        urls: dict[str, str] = {}
        request: dict[str, str] = {}
        try:
            while True:
                # MaxResults 10 is the service's maximum for this call.
                answer = await self._ssm.get_parameters_by_path(
                    Path=names.queue_parameters(self._stage),
                    Recursive=True,
                    MaxResults=10,
                    **request,  # type: ignore[arg-type]
                )
                urls.update({entry["Name"]: entry["Value"] for entry in answer["Parameters"]})
                if not answer.get("NextToken"):
                    break
                request = {"NextToken": answer["NextToken"]}
        except Exception:
            if self._loaded_at is None:
                raise
            log.warning("queue_directory_refresh_failed", exc_info=True)
        else:
            self._urls = urls
        self._loaded_at = self._clock.monotonic()
