"""What follows when a child of a chain ends: the next child, the end of the chain, a branch. Pure decisions.

Spec automation chain_it rules 5 and 6. Everything is derived from the stored children, so that a redelivered
message decides the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TERMINAL = frozenset({"completed", "failed", "cancelled", "skipped"})

Result = Literal["success", "failure"]


@dataclass(frozen=True, slots=True)
class Child:
    """A stored child: its place in the list, how it stands, and whether its limit_it stopped the chain."""

    execution_id: str
    index: int
    status: str
    limit_reached: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Decision:
    """``release``: the child to let go; ``skip``: children that must not run; ``result``: the group has ended."""

    release: str = ""
    skip: tuple[str, ...] = ()
    result: Result | None = None


def decide(children: Mapping[int, Child], group_size: int) -> Decision:
    """What to do now. ``children`` by index; an index below ``group_size`` that is missing was refused: a failure."""
    ordered = [children[index] for index in sorted(children)]
    for position, child in enumerate(ordered):
        if not child.ended:
            return Decision(release=child.execution_id)
        if child.limit_reached:
            return Decision(
                skip=tuple(later.execution_id for later in ordered[position + 1 :] if not later.ended),
                result="success" if child.status == "completed" else "failure",
            )
    complete = len(children) == group_size and all(child.status == "completed" for child in ordered)
    return Decision(result="success" if complete else "failure")


def limit_reached(helper_type: str, output: Mapping[str, Any]) -> bool:
    """Whether the child was a limit_it that reported that its limit is reached."""
    modified = output.get("modified_data")
    return helper_type == "limit_it" and isinstance(modified, Mapping) and modified.get("limit_reached") is True
