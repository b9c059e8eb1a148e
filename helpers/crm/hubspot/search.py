"""HubSpot's search: bodies, and paging beyond the 10,000 results that one search answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from helpers.crm.paths import Record, at

RESULTS_PER_SEARCH = 10_000
PAGE_SIZE = 200


def sort_by(name: str, *, descending: bool) -> Mapping[str, str]:
    """The order by a property."""
    return {"propertyName": name, "direction": "DESCENDING" if descending else "ASCENDING"}


BY_ID = sort_by("hs_object_id", descending=False)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list of results goes on: ``after`` this many, among the records whose id is greater than ``above``."""

    after: str = ""
    above: str = ""

    @classmethod
    def parse(cls, cursor: str | None) -> Self:
        """The position that a cursor stands for; None is the start."""
        above, _, after = (cursor or "").rpartition(":")
        return cls(after, above)

    def __str__(self) -> str:
        return f"{self.above}:{self.after}" if self.above else self.after

    @property
    def within_search(self) -> bool:
        """Whether HubSpot still answers here."""
        return self._passed < RESULTS_PER_SEARCH

    @property
    def _passed(self) -> int:
        return int(self.after) if self.after.isdecimal() else 0

    def body(self, wanted: Mapping[str, str], properties: Sequence[str], limit: int, sort: Record = BY_ID) -> Record:
        """The search for records whose properties equal the wanted values, in that order."""
        filters = [{"propertyName": name, "operator": "EQ", "value": value} for name, value in wanted.items()]
        if self.above:
            filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": self.above})
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}] if filters else [],
            "properties": list(properties),
            "limit": min(limit, PAGE_SIZE, RESULTS_PER_SEARCH - self._passed),
            "sorts": [sort],
        }
        return {**body, "after": self.after} if self.after else body

    def next(self, answer: Record, *, by_id: bool) -> str | None:
        """The cursor behind the answer, None at the end. Only results by id go on where one search ends."""
        after = at(answer, "paging.next.after")
        if after is None:
            return None
        here = Position(str(after), self.above)
        if here.within_search or not by_id:
            return str(here)
        return str(Position(above=str(answer["results"][-1]["id"])))
