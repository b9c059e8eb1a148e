"""Asks the API for the executions and follows them to their end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from fleet.clock import parse_instant
from fleet.execution import TERMINAL

SENDERS = 16
POLL_SECONDS = 0.5


@dataclass(slots=True)
class Followed:
    """What became of the accepted executions; ``executions`` holds children too, by id."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def lost(self) -> list[str]:
        """Accepted executions that the API does not know or that have not ended."""
        return [
            execution_id
            for execution_id in self.accepted
            if self.executions.get(execution_id, {}).get("status") not in TERMINAL
        ]

    @property
    def unfinished(self) -> int:
        """Executions, children included, that have not ended."""
        waiting = sum(execution["status"] not in TERMINAL for execution in self.executions.values())
        return waiting + sum(execution_id not in self.executions for execution_id in self.accepted)


def latency_ms(execution: dict[str, Any]) -> float:
    """From accepted (the time inside its UUIDv7) to completed."""
    accepted = uuid.UUID(execution["execution_id"].removeprefix("exec:")).int >> 80
    return max(0.0, parse_instant(execution["completed_at"]).timestamp() * 1000 - accepted)


class Client:
    """The API as the demo uses it."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"X-API-Key": api_key}, timeout=30, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def execute(self, helper_id: str, contact_id: str) -> httpx.Response:
        """Ask for one execution."""
        return await self._http.post(f"/helpers/{helper_id}/execute", json={"contact_id": contact_id})

    async def executions(self) -> list[dict[str, Any]]:
        """Every execution of the account."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = await self._http.get(
                "/executions", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
            )
            answer.raise_for_status()
            page = answer.json()
            found += page["executions"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


async def submit(
    client: Client, requests: Iterable[tuple[str, str]], helper_ids: dict[str, str], on_accepted: Callable[[], object]
) -> Followed:
    """Send every request, some at a time, in order."""
    followed = Followed()
    queue = list(reversed(list(requests)))

    async def sender() -> None:
        while queue:
            key, contact_id = queue.pop()
            answer = await client.execute(helper_ids[key], contact_id)
            if answer.status_code == 202:
                followed.accepted[answer.json()["execution_id"]] = key
            else:
                followed.refused.append(f"{key}: HTTP {answer.status_code} {answer.text[:200]}")
            on_accepted()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return followed


async def follow(
    client: Client, followed: Followed, on_progress: Callable[[int], object], *, timeout_seconds: float
) -> Followed:
    """Poll until every execution has ended, children included, or the time is up."""
    started = time.monotonic()
    while True:
        followed.executions = {execution["execution_id"]: execution for execution in await client.executions()}
        on_progress(len(followed.accepted) - len(followed.lost))
        followed.seconds = time.monotonic() - started
        if not followed.unfinished or followed.seconds > timeout_seconds:
            return followed
        await asyncio.sleep(POLL_SECONDS)
