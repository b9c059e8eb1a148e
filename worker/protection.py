"""ECS task scale-in protection: on while the worker is busy, off when it has been idle for a while.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
The agent is asked on the edges only, never by the work itself, and a failure is tried again on the next occasion.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import httpx
import structlog

from fleet.metrics import Metrics

log = structlog.get_logger(__name__)

CALL_SECONDS = 3.0
RETRY_SECONDS = 15.0


class ProtectionEndpoint(Protocol):
    """Where the protection state is set."""

    async def set(self, enabled: bool, expires_in_minutes: int) -> None:
        """Raises on any failure."""
        ...


class EcsAgent:
    """The ECS agent's endpoint of this task."""

    def __init__(self, client: httpx.AsyncClient, agent_uri: str) -> None:
        self._client = client
        self._url = f"{agent_uri.rstrip('/')}/task-protection/v1/state"

    async def set(self, enabled: bool, expires_in_minutes: int) -> None:
        """PUT the state; DEPLOYMENT_BLOCKED and the like come with 200 and a failure, or as a status."""
        body: dict[str, object] = {"ProtectionEnabled": enabled}
        if enabled:
            body["ExpiresInMinutes"] = expires_in_minutes
        answer = await self._client.put(self._url, json=body, timeout=CALL_SECONDS)
        document = answer.json()
        failure = document.get("failure") or document.get("error")
        if answer.status_code >= 400 or failure:
            raise ConnectionError(f"HTTP {answer.status_code}: {failure}")


class Protection:
    """Follows the number of groups at work. ``run`` is a side task; :meth:`busy` costs nothing."""

    def __init__(
        self, endpoint: ProtectionEndpoint, metrics: Metrics, *, expires_in_minutes: int, idle_seconds: float
    ) -> None:
        self._endpoint = endpoint
        self._metrics = metrics
        self._minutes = expires_in_minutes
        self._idle_seconds = idle_seconds
        self._busy = False
        self._changed = asyncio.Event()
        self._protected = False

    def busy(self, is_busy: bool) -> None:
        """Tell whether any group is at work; only a change has an effect."""
        if is_busy != self._busy:
            self._busy = is_busy
            self._changed.set()

    async def run(self) -> None:
        """Keep the agent's state as it should be, until cancelled."""
        while True:
            # Renewed at half its life: a busy worker must not lose it.
            await self._wait_for_change(self._minutes * 30 if self._protected else None)
            if not self._busy:
                await self._wait_for_change(self._idle_seconds)
                if self._busy and self._protected:
                    continue
            if self._busy or self._protected:
                await self._apply(self._busy)

    async def release(self) -> None:
        """At the end of the process: give the protection up."""
        if self._protected:
            await self._apply(False)

    async def _wait_for_change(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def _apply(self, enabled: bool) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._endpoint.set(enabled, self._minutes)
        except (httpx.HTTPError, OSError, TimeoutError, ValueError) as exc:
            self._metrics.count("ProtectionFailures")
            log.warning("protection_not_set", enabled=enabled, error=str(exc))
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._changed.set)
            return
        self._protected = enabled
        log.debug("protection_set", enabled=enabled)
