"""search_it: contacts by text."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CRM: dict[str, Any] = {
    "contact": {"id": "c1", "email": "ann@acme.de", "first_name": "Ann", "company": "ACME Ltd",
        "custom_fields": {"Plan": ["Gold", "Pro"]}},
    "extra_contacts": [
        {"id": "c2", "email": "bob@x.de", "first_name": "Anna", "tags": [{"id": "7", "name": "T"}]},
        {"id": "c3", "last_name": "Mann"},
        {"id": "c4", "phone": "555"},
    ],
    "tags": [{"id": "7", "name": "T"}, {"id": "8", "name": "Hit"}],
}  # fmt: skip


async def run(config: dict[str, Any], crm: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    return await run_helper("search_it", config, crm={**CRM, **(crm or {})}, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, False),
        ({"search_term": " "}, False),
        ({"search_term": "a", "search_fields": []}, True),
        ({"search_term": "a", "search_fields": [1]}, False),
        ({"search_term": "a", "match_mode": "fuzzy"}, False),
        ({"search_term": "a", "match_mode": None, "limit": None}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """A term is needed."""
    assert ((await run(config)).config_error is None) is valid


@pytest.mark.parametrize(
    ("config", "ids"),
    [
        ({"search_term": "ANN"}, ["c1", "c2", "c3"]),
        ({"search_term": "ann", "match_mode": "exact"}, ["c1"]),
        ({"search_term": "ann", "match_mode": "starts_with"}, ["c1", "c2"]),
        ({"search_term": "ann", "limit": 2}, ["c1", "c2"]),
        ({"search_term": "ann", "limit": 0}, ["c1", "c2", "c3"]),
        ({"search_term": "ann", "tag_id": "7"}, ["c2"]),
        ({"search_term": "acme", "search_fields": ["Company"]}, ["c1"]),
        ({"search_term": "gold, pro", "search_fields": ["Plan"], "match_mode": "exact"}, ["c1"]),
        ({"search_term": "555", "search_fields": ["Phone1"]}, ["c4"]),
        ({"search_term": "555"}, []),
        ({"search_term": "{{FirstName}}", "search_fields": ["first_name"]}, ["c1", "c2"]),
    ],
)
async def test_searches(config: dict[str, Any], ids: list[str]) -> None:
    """Any case, a hit in any field."""
    result = await run(config)

    assert result.output is not None
    assert [contact["id"] for contact in result.output.modified_data["contacts"]] == ids
    assert result.output.modified_data["result_count"] == len(ids)
    assert "truncated" not in result.output.modified_data
    assert [(a.type, a.value) for a in result.output.actions] == [("search_executed", len(ids))]


async def test_hits_are_tagged_and_counted() -> None:
    """Tag, count, search: in this order; a hit that could not be tagged is not counted."""
    config = {"search_term": "ann", "apply_tag_to_results": "Hit", "save_count_to": "N"}
    result = await run(config, crm={"fail": {"apply_tag": ["c2"]}})

    assert result.output is not None
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("bulk_tag_applied", "Hit", 2), ("field_updated", "N", 3), ("search_executed", "ann", 3)
    ]  # fmt: skip
    assert "8" in result.crm.tags_of("c3")


async def test_no_hit_records_the_tagging_too() -> None:
    """With 0."""
    result = await run({"search_term": "zzz", "apply_tag_to_results": "8"})

    assert result.output is not None
    assert result.output.success
    assert [(a.type, a.value) for a in result.output.actions] == [("bulk_tag_applied", 0), ("search_executed", 0)]


@pytest.mark.parametrize(("limit", "truncated"), [(3, True), (4, False), (5, False)])
async def test_the_scan_has_an_end(limit: int, truncated: bool) -> None:
    """The result says when contacts were not looked at."""
    result = await run({"search_term": "zzz"}, settings={"search_scan_limit": limit})

    assert result.output is not None
    assert result.output.modified_data.get("truncated", False) is truncated


async def test_hits_on_later_pages_are_found() -> None:
    """The earlier platform filtered the first page only."""
    many = [{"id": f"x{number}", "first_name": "Other"} for number in range(1500)]
    result = await run(
        {"search_term": "needle"}, crm={"extra_contacts": [*many, {"id": "last", "last_name": "Needle"}]}
    )

    assert result.output is not None
    assert [contact["id"] for contact in result.output.modified_data["contacts"]] == ["last"]


async def test_an_empty_term_matches_nobody() -> None:
    """Otherwise it would tag the whole account."""
    result = await run({"search_term": "{{JobTitle}}", "apply_tag_to_results": "8"})

    assert result.error is not None
    assert not result.error.retryable
