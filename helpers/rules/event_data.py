"""Event data of one execution and dotted paths into it: spec integration C9."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from helpers.contract import HelperContext
from helpers.rules.config_keys import mangled


class _Missing:
    """Stands for "no such path", which is not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def lookup(ctx: HelperContext[Any], *keys: str, config_keys: Sequence[str] | None = None) -> Any:
    """The first non-empty value of the keys in input, then query parameters, then the config; None without one.

    ``config_keys`` replaces the keys for the config, whose own keys may mean something else.
    """
    places: Iterable[tuple[Mapping[str, Any], Sequence[str]]] = (
        (ctx.input, keys),
        (ctx.query_params, keys),
        (ctx.raw_config, keys if config_keys is None else config_keys),
    )
    for place, wanted in places:
        for key in wanted:
            value = place.get(key)
            if value is not None and value != "":
                return value
    return None


def payload(ctx: HelperContext[Any]) -> Mapping[str, Any]:
    """What the event carries: input.webhook_data, else input, else query, else config.webhook_data, else config."""
    inner = ctx.input.get("webhook_data")
    if isinstance(inner, Mapping):
        return inner
    if ctx.input:
        return ctx.input
    if ctx.query_params:
        return ctx.query_params
    stored = ctx.raw_config.get("webhook_data")
    return stored if isinstance(stored, Mapping) else ctx.raw_config


def value_at(data: Any, path: str, *, separator: str = ".") -> Any:
    """The value at a dotted path, MISSING where there is none.

    The exact key first, then the parts; numbers index into arrays, a leading ``$.`` and empty parts are ignored. A
    key that is missed is looked for once more in the snake_case form of the old web forms.
    """
    path = path.removeprefix("$.")
    if isinstance(data, Mapping) and path in data:
        return data[path]
    current = data
    for part in (piece for piece in path.split(separator) if piece):
        current = _step(current, part)
        if current is MISSING:
            return MISSING
    return current if path else MISSING


def _step(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return matching(value, part)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return MISSING


def matching(values: Mapping[str, Any], key: str) -> Any:
    """The value of the key, or of a key with the same snake_case form (leading ``_`` ignored); MISSING without one."""
    if key in values:
        return values[key]
    wanted = snake_form(key)
    return next((value for stored, value in values.items() if snake_form(stored) == wanted), MISSING)


def snake_form(key: str) -> str:
    """The key as the old web forms stored it, without leading underscores."""
    return mangled(key).lstrip("_")
