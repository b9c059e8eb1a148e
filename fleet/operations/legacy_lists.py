"""Converts the configs of helpers that name HubSpot lists by the ids of the v1 lists API (spec crm.md 4.5).

The earlier platform stored those ids; HubSpot knows a list by another id by now, and the two ranges overlap. So a
config cannot be converted when it is read: it is rewritten once, and that is recorded, on the row so that a run that
was cut short can be repeated, and for the connection so that ids chosen since are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from fleet.clock import SystemClock, instant_text
from fleet.stored_helpers import StoredHelpers
from helpers.errors import PermanentFailure
from helpers.ports import StateStore

CONVERTED_AT = "hubspot_lists_converted_at"
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+")
_SPLIT_OPTIONS = frozenset(f"option_{letter}" for letter in "abcde")

FindList = Callable[[str], Awaitable[str | None]]
"""A v1 list id to today's, None for a list that is gone: HubSpotConnector.list_id_of_legacy."""


async def convert_lists(
    stored: StoredHelpers,
    state: StateStore,
    find_list: FindList,
    connection_id: str,
    account_id: str,
    *,
    apply: bool,
    clock: SystemClock | None = None,
) -> dict[str, Any]:
    """What changes in the account's helpers on that connection; with ``apply`` it is written.

    Raises PermanentFailure when the connection was converted before. Ids that HubSpot does not know stay as they are
    and are reported. Names of lists need no conversion.
    """
    key = f"hubspot-lists:{connection_id}"
    if (done := await state.get(key)) is not None:
        raise PermanentFailure(f"{connection_id} was converted at {done.value['converted_at']}: once is enough")
    rows = [row for row in await stored.rows(account_id) if row.get("connection_id") == connection_id]
    waiting = [row for row in rows if CONVERTED_AT not in row]
    ids = {found for row in waiting for found in list_ids(_config(row), row["helper_type"])}
    known = {old: new for old in sorted(ids) if (new := await find_list(old)) is not None}
    report = {
        "connection_id": connection_id,
        "lists": known,
        "unknown_lists": sorted(ids - known.keys()),
        "helpers": [
            row["helper_id"] for row in waiting if known.keys() & list_ids(_config(row), row["helper_type"])
        ],
        "applied": apply,
    }  # fmt: skip
    if apply:
        now = instant_text((clock or SystemClock()).now())
        for row in waiting:
            config = with_list_ids(_config(row), row["helper_type"], known)
            await stored.replace_config(row["helper_id"], _config(row), config, mark=CONVERTED_AT, at=now)
        await state.put(key, {"converted_at": now, "lists": known})
    return report


def list_ids(config: Mapping[str, Any], helper_type: str) -> set[str]:
    """The ids in places of a config where tags are named."""
    found: set[str] = set()

    def note(old: str) -> str:
        found.add(old)
        return old

    _mapped(config, helper_type, note)
    return found


def with_list_ids(config: Mapping[str, Any], helper_type: str, known: Mapping[str, str]) -> dict[str, Any]:
    """The config with today's ids, as text; everything else as it was."""
    return _mapped(config, helper_type, lambda old: known.get(old, old))


def _mapped(config: Mapping[str, Any], helper_type: str, change: Callable[[str], str]) -> dict[str, Any]:
    options = _SPLIT_OPTIONS if helper_type == "split_it" and config.get("mode") == "tag" else frozenset()

    def walk(value: Any, *, names_tags: bool) -> Any:
        match value:
            case Mapping():
                return {
                    key: walk(entry, names_tags=names_tags or _names_tags(key) or key in options)
                    for key, entry in value.items()
                }
            case list():
                return [walk(entry, names_tags=names_tags) for entry in value]
            case bool():
                return value
            case int() | str() if names_tags and str(value).strip().isdecimal():
                return change(str(value).strip())
            case _:
                return value

    mapped: dict[str, Any] = walk(config, names_tags=False)
    return mapped


def _names_tags(key: str) -> bool:
    """Whether a config key holds tag references: every one does that has the word; prefixes are names."""
    words = list(_words(key))
    return ("tag" in words or "tags" in words) and "prefix" not in words


def _words(key: str) -> Iterator[str]:
    return (word.lower() for word in _WORDS.findall(key))


def _config(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row.get("config") or {})
