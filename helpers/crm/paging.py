"""Lists that a vendor answers in pages counted by offset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


async def all_pages(read: Callable[[int], Awaitable[list[dict[str, Any]]]], size: int) -> list[dict[str, Any]]:
    """The records of all pages; ``read(offset)`` answers ``size`` of them, fewer at the end."""
    found: list[dict[str, Any]] = []
    while True:
        page = await read(len(found))
        found += page
        if len(page) < size:
            return found
