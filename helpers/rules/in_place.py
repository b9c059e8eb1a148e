"""Results that replace the value they are computed from: a delivery that comes again must not compute on its own
result (spec data D11: writes must be safe to repeat).

`add 10` would add 20, a date that was reformatted may not be a date any more, and a full name that was split in its
own field has lost its last name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from helpers.contract import HelperContext
from helpers.rules.fields import alias_of
from helpers.rules.steps import once
from helpers.rules.text import to_text


async def computed(
    ctx: HelperContext[Any],
    sources: Iterable[str | None],
    targets: Iterable[str],
    compute: Callable[[], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """What ``compute`` returns (JSON). Where a source field is a target, the first delivery's answer stands.

    The answer is recorded before the write, so that a worker that dies after it repeats the same write.
    """
    written = list(targets)
    if any(source is not None and same_field(source, target) for source in sources for target in written):
        return await once(ctx, "result", compute)
    return await compute()


async def source_text(ctx: HelperContext[Any], source: str, target: str) -> str:
    """The text of the source; where it is the target, as the first delivery found it."""

    async def read() -> dict[str, Any]:
        return {"source": to_text(await ctx.read(source))}

    text: str = (await computed(ctx, [source], [target], read))["source"]
    return text


def same_field(one: str, other: str) -> bool:
    """Equal keys or two spellings of a standard name; a label and its key are not recognised."""
    return one == other or (alias_of(one) is not None and alias_of(one) == alias_of(other))
