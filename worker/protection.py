"""ECS task scale-in protection: on while busy, off while idle, switched on the edges only."""

from __future__ import annotations

import asyncio

import httpx
import structlog

log = structlog.get_logger(__name__)

CALL_SECONDS = 5.0
EXPIRES_MINUTES = 60
# Protection ends by itself after EXPIRES_MINUTES; a worker that stays busy renews it well before.
RENEW_SECONDS = EXPIRES_MINUTES * 60 / 2
# Keeps a worker that gets one message after the other from calling the agent for each.
IDLE_SECONDS = 10.0


class ScaleInProtection:
    """Follows :meth:`set_busy` from a task of its own; a slow or failing agent never delays the work.

    Without an agent (``agent_uri`` empty: not on ECS) it does nothing. A failure is logged and tried again at the
    next edge or renewal; it never switches protection off for good.
    """

    def __init__(self, agent_uri: str, http: httpx.AsyncClient, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._url = f"{agent_uri}/task-protection/v1/state" if agent_uri else ""
        self._http = http
        self._idle_seconds = idle_seconds
        self._busy = False
        self._changed = asyncio.Event()
        self.protected = False

    def set_busy(self, busy: bool) -> None:
        """The worker became busy or idle."""
        self._busy = busy
        self._changed.set()

    async def run(self) -> None:
        """Follow the edges for ever."""
        while True:
            try:
                async with asyncio.timeout(RENEW_SECONDS if self.protected else None):
                    await self._changed.wait()
            except TimeoutError:
                if self._busy:
                    await self._put(True)
                continue
            self._changed.clear()
            if not self._busy and self.protected:
                await self._settle_idle()
            if self._busy != self.protected:
                await self._put(self._busy)

    async def release(self) -> None:
        """Give protection up at the end of a drain."""
        if self.protected:
            await self._put(False)

    async def _settle_idle(self) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds):
                while not self._busy:
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            return

    async def _put(self, protect: bool) -> None:
        if not self._url:
            return
        body: dict[str, object] = {"ProtectionEnabled": protect}
        if protect:
            body["ExpiresInMinutes"] = EXPIRES_MINUTES
        try:
            answer = await self._http.put(self._url, json=body, timeout=CALL_SECONDS)
            failure = answer.json().get("failure") if answer.is_success else answer.text[:200]
        except (httpx.HTTPError, ValueError) as exc:
            failure = repr(exc)
        if failure:
            log.warning("scale_in_protection_failed", protect=protect, failure=failure)
            return
        self.protected = protect
        log.info("scale_in_protection_set", protected=protect)
