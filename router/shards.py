"""Shards of a stream and their lineage: pure, no calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard as DescribeStream lists it."""

    shard_id: str
    parent_id: str | None = None

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Shard:
        """From an entry of ``StreamDescription.Shards``.

        Its sequence numbers are not used: an empty shard may have none, and whether a shard is closed is told by its
        own last page, while listings are eventually consistent.
        """
        return cls(
            shard_id=description["ShardId"],
            parent_id=description.get("ParentShardId") or None,
        )


class ShardGraph:
    """The lineage of the listed shards. A parent that is not listed was trimmed: its children are roots."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._shards = {shard.shard_id: shard for shard in shards}
        self._children: defaultdict[str, list[str]] = defaultdict(list)
        for shard in self._shards.values():
            if shard.parent_id is not None:
                self._children[shard.parent_id].append(shard.shard_id)

    def __len__(self) -> int:
        return len(self._shards)

    def __contains__(self, shard_id: object) -> bool:
        return shard_id in self._shards

    def children(self, shard_id: str) -> tuple[str, ...]:
        """Ids of the listed children, the shard itself listed or not."""
        return tuple(sorted(self._children.get(shard_id, ())))

    def parent(self, shard_id: str) -> str | None:
        """The parent while it is listed."""
        parent_id = self._shards[shard_id].parent_id
        return parent_id if parent_id in self._shards else None

    def in_lineage_order(self) -> Iterator[Shard]:
        """Every shard after its parent, so that no child is ever known without a parent that is readable."""
        waiting = [shard_id for shard_id in sorted(self._shards) if self.parent(shard_id) is None]
        seen: set[str] = set()
        while waiting:
            shard_id = waiting.pop(0)
            if shard_id in seen:
                continue
            seen.add(shard_id)
            yield self._shards[shard_id]
            waiting.extend(self.children(shard_id))
