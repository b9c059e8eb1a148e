"""Lineage of shards: pure."""

from __future__ import annotations

import pytest

from router.shards import Shard, ShardGraph


@pytest.fixture
def graph() -> ShardGraph:
    """1 → (2, 3); 3 → 4; 9 is an orphan whose parent 8 was trimmed."""
    return ShardGraph(
        [
            Shard("4", "3"),
            Shard("3", "1"),
            Shard("2", "1"),
            Shard("1", None),
            Shard("9", "8"),
        ]
    )


def test_every_shard_comes_after_its_parent(graph: ShardGraph) -> None:
    """So that a lease never exists before that of a parent which can be read."""
    order = [shard.shard_id for shard in graph.in_lineage_order()]

    assert sorted(order) == ["1", "2", "3", "4", "9"]
    assert order.index("1") < order.index("3") < order.index("4")


def test_a_trimmed_parent_makes_its_child_a_root(graph: ShardGraph) -> None:
    """What is not listed has nothing to wait for."""
    assert graph.parent("9") is None
    assert graph.parent("4") == "3"
    assert graph.children("8") == ("9",)


def test_a_description_without_numbers_is_an_open_shard() -> None:
    """An empty shard has none on some services."""
    assert Shard.from_description({"ShardId": "1"}) == Shard("1", None)
    assert Shard.from_description(
        {"ShardId": "2", "ParentShardId": "1", "SequenceNumberRange": {"EndingSequenceNumber": "7"}}
    ) == Shard("2", "1")


def test_membership_and_size(graph: ShardGraph) -> None:
    """The graph knows what was listed."""
    assert len(graph) == 5
    assert "9" in graph
    assert "8" not in graph
