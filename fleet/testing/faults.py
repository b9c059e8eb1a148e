"""A connection to a double that can be slow, cut off, or lose answers; and a process that can die."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class ConnectionCut(ConnectionError):
    """The other side does not answer, or its answer got lost."""


class Connection:
    """Passes every call on to ``target``, the way a network does.

    ``latency`` seconds go by before and after the call. ``dead``: the process was killed, nothing it does reaches
    anybody. ``cut``: calls of these method names fail. ``lose_answers``: they take effect and fail all the same.
    """

    def __init__(self, target: Any, *, latency: Callable[[], float] = lambda: 0.005) -> None:
        self._target = target
        self._latency = latency
        self.dead = False
        self.cut: frozenset[str] = frozenset()
        self.lose_answers: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._target, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(self._latency())
            if self.dead:
                await asyncio.Event().wait()
            if name in self.cut:
                raise ConnectionCut(f"{name}: not connected")
            answer = await method(*args, **kwargs)
            await asyncio.sleep(self._latency())
            if self.dead:
                await asyncio.Event().wait()
            if name in self.lose_answers:
                raise ConnectionCut(f"{name}: the answer got lost")
            return answer

        return call
