"""Downloads of files that users name: integration spec C2, C6, email_attach_it, upload_it."""

from __future__ import annotations

import asyncio
import re
from typing import IO, Any
from urllib.parse import unquote

import httpx

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import failure_of, transport_failure
from helpers.services.exchange import TOTAL_SECONDS, send

LONGEST_REDIRECT_CHAIN = 3
SERVICE = "the file's server"
UNNAMED = "attachment"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# `key`, `sig` and `auth` as words only: keyword, design and author are no credentials.
_CREDENTIAL_PARAMETER = re.compile(
    r"signature|token|secret|passw|credential|(?:api|access)[-_.]?key|(?:^|[-_.])(?:key|sig|auth|authorization)(?:$|[-_.])",
    re.IGNORECASE,
)


async def download(ctx: HelperContext[Any], url: str, *, into: IO[bytes], limit_bytes: int) -> str:
    """GET the file, over at most 3 redirects, each checked by the egress rule, and return its content type.

    ``into`` gets the content piece by piece. Raises PermanentFailure for a refused target, any answer but 200 that no
    retry helps, and a file beyond the limit; TransientFailure for the rest of C3.
    """
    target = check_url(url, ctx.settings)
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            for _hop in range(LONGEST_REDIRECT_CHAIN + 1):
                # Not compressed, so that Content-Length is the size of the file.
                headers = {"User-Agent": ctx.settings.user_agent, "Accept-Encoding": "identity"}
                request = ctx.http.build_request("GET", target, headers=headers)
                response = await send(ctx.http, request)
                try:
                    if not response.has_redirect_location:
                        return await _read(ctx, response, into, limit_bytes)
                    target = check_url(target.join(response.headers["Location"]), ctx.settings)
                finally:
                    await response.aclose()
    except TimeoutError as exc:
        raise transport_failure(httpx.ReadTimeout(f"no complete file within {TOTAL_SECONDS:g} s"), SERVICE) from exc
    except (httpx.RequestError, httpx.InvalidURL) as exc:
        raise transport_failure(exc, SERVICE) from exc
    raise PermanentFailure(f"{SERVICE} redirects more than {LONGEST_REDIRECT_CHAIN} times")


async def _read(ctx: HelperContext[Any], response: httpx.Response, into: IO[bytes], limit_bytes: int) -> str:
    if response.status_code != httpx.codes.OK:
        # The body is not read, so the message may not fall back on it.
        raise failure_of(response, SERVICE, now=ctx.clock.now(), detail=response.reason_phrase or "no file")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        into.write(chunk)
    return response.headers.get("Content-Type") or "application/octet-stream"


def _too_large(limit_bytes: int) -> PermanentFailure:
    return PermanentFailure(f"the file is larger than {limit_bytes / 1024 / 1024:g} MiB")


def name_in_url(url: str) -> str:
    """The last path segment, percent-decoded, without query and fragment; "" where the path ends in a slash."""
    path = httpx.URL(url.strip()).raw_path.partition(b"?")[0].decode("ascii")
    return unquote(path.rpartition("/")[2])


def base_name(name: str) -> str:
    """The name without any directory part and control characters; ``attachment`` where nothing is left."""
    last = _CONTROL.sub("", re.split(r"[/\\]", name)[-1]).strip()
    return UNNAMED if last in ("", ".", "..") else last


def shown_url(url: str) -> str:
    """The URL as results may show it: the values of query parameters that sign or authorise are masked (C12)."""
    before, mark, query = url.strip().partition("?")
    query, fragment_mark, fragment = query.partition("#")
    shown = [
        f"{name}=***" if equals and _CREDENTIAL_PARAMETER.search(name) else f"{name}{equals}{value}"
        for name, equals, value in (part.partition("=") for part in query.split("&"))
    ]
    return f"{before}{mark}{'&'.join(shown)}{fragment_mark}{fragment}"
