"""URLs that we hand out."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with the parameters behind its own query, percent-encoded (a blank is ``%20``)."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters, quote_via=quote, safe='')}"
