"""Text that UTF-8 can write. JSON may hold half a character: an emoji that somebody's length limit cut in two."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def whole_characters(text: str) -> str:
    """The text with U+FFFD, the replacement character, for every half character (lone surrogate)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def read_json(body: bytes | str) -> Any:
    """The JSON value of an answer, in whole characters: what was read can be written again.

    Raises ValueError for what is no JSON, and for nesting that no parser follows.
    """
    try:
        value = json.loads(body)
        encoded = body if isinstance(body, bytes) else body.encode(errors="replace")
        # Only an escape can stand for half a character.
        if not _SURROGATE_ESCAPE.search(encoded):
            return value
        return json.loads(whole_characters(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
