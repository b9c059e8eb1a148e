"""Dropbox API v2, the content host."""

from __future__ import annotations

import json
from typing import Any

import httpx

from helpers.errors import HelperError, TransientFailure
from helpers.rules.characters import read_json
from helpers.rules.http_outcomes import retry_after_seconds
from helpers.services.client import ServiceClient

RPC_BASE = "https://api.dropboxapi.com/2"
CONTENT_BASE = "https://content.dropboxapi.com/2"


class Dropbox(ServiceClient):
    """File uploads."""

    slug = "dropbox"
    title = "Dropbox"
    default_base = CONTENT_BASE

    @property
    def base(self) -> str:
        """The content host; the seeded platform base is the RPC host, which takes no uploads."""
        base = super().base
        return CONTENT_BASE if base == RPC_BASE else base

    async def upload(self, path: str, content: bytes, *, overwrite: bool, headers: dict[str, str]) -> dict[str, Any]:
        """Upload the file and return its metadata. In add mode another file at that path is a permanent failure."""
        argument = {"path": path, "mode": "overwrite" if overwrite else "add", "autorename": False, "mute": False}
        return await self.call_json(
            "POST",
            self.url("files", "upload"),
            content=content,
            headers={
                **headers,
                "Content-Type": "application/octet-stream",
                # DEL is ASCII, but no header may hold it; json leaves it as it is.
                "Dropbox-API-Arg": json.dumps(argument, separators=(",", ":")).replace("\x7f", "\\u007f"),
            },
        )

    def failure(self, response: httpx.Response) -> HelperError:
        """A 409 is final, unless Dropbox only wants the writes to come one after the other."""
        if response.status_code == httpx.codes.CONFLICT and _too_many_writes(response):
            wait = retry_after_seconds(response.headers, self.ctx.clock.now())
            return TransientFailure("Dropbox: too many write operations at once", retry_after=wait)
        return super().failure(response)


def _too_many_writes(response: httpx.Response) -> bool:
    try:
        summary = read_json(response.content).get("error_summary")
    except (ValueError, AttributeError):
        return False
    # An upload reports it as a reason of its path error.
    return isinstance(summary, str) and summary.removeprefix("path/").startswith("too_many_write_operations")
