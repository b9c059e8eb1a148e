"""query_it_basic: list and count contacts."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CRM: dict[str, Any] = {
    "contact": {"id": "c1", "email": "ann@x.de", "first_name": "Ann", "tags": [{"id": "7", "name": "T"}]},
    "extra_contacts": [{"id": "c2", "email": "ANN@x.de"}, {"id": "c3", "tags": [{"id": "7", "name": "T"}]}],
    "tags": [{"id": "7", "name": "T"}],
}


async def run(config: dict[str, Any], crm: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    return await run_helper("query_it_basic", config, crm={**CRM, **(crm or {})}, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, True),
        ({"query_type": "email"}, False),
        ({"query_type": "email", "email": " "}, False),
        ({"query_type": "tag"}, False),
        ({"query_type": "tag", "tag_id": ""}, False),
        ({"query_type": "other"}, False),
        ({"query_type": "", "limit": ""}, True),
        ({"limit": "ten"}, False),
        ({"limit": "10"}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """A query needs what it queries by."""
    assert ((await run(config)).config_error is None) is valid


@pytest.mark.parametrize(
    ("config", "ids", "has_more"),
    [
        ({}, ["c1", "c2", "c3"], False),
        ({"limit": 2}, ["c1", "c2"], True),
        ({"limit": 3}, ["c1", "c2", "c3"], False),
        ({"limit": 0}, ["c1", "c2", "c3"], False),
        ({"limit": -5}, ["c1", "c2", "c3"], False),
        ({"query_type": "email", "email": "Ann@X.de"}, ["c1", "c2"], False),
        ({"query_type": "email", "email": "{{Email}}"}, ["c1", "c2"], False),
        ({"query_type": "email", "email": "{{nothing}}"}, [], False),
        ({"query_type": "tag", "tag_id": "7"}, ["c1", "c3"], False),
    ],
)
async def test_queries(config: dict[str, Any], ids: list[str], has_more: bool) -> None:
    """Never more than the limit; no hits are a success."""
    result = await run(config)

    assert result.output is not None
    assert result.output.success
    data = result.output.modified_data
    assert [contact["id"] for contact in data["contacts"]] == ids
    assert data["result_count"] == len(ids)
    assert data["has_more"] is has_more
    query_type = config.get("query_type", "all")
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("query_executed", query_type, len(ids))]


async def test_what_is_shown_of_a_contact() -> None:
    """Four keys."""
    result = await run({"limit": 1})

    assert result.output is not None
    assert result.output.modified_data["contacts"] == [
        {"id": "c1", "first_name": "Ann", "last_name": "", "email": "ann@x.de"}
    ]


async def test_the_count_is_saved_as_a_number() -> None:
    """Before query_executed; without a current contact there is nowhere to save it."""
    result = await run({"save_count_to": "Count"})
    nobody = await run({"save_count_to": "Count"}, contact_id="")

    assert result.output is not None
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("field_updated", "Count", 3), ("query_executed", "all", 3)
    ]  # fmt: skip
    assert result.crm.field("c1", "Count") == 3
    assert nobody.output is not None
    assert [a.type for a in nobody.output.actions] == ["query_executed"]


async def test_failures() -> None:
    """A save that fails is logged, a query that fails is the run's failure."""
    save = await run({"save_count_to": "Count"}, crm={"fail": {"set_field_value": True}})
    query = await run({}, crm={"fail": {"get_contacts": True}})

    assert save.output is not None
    assert [a.type for a in save.output.actions] == ["query_executed"]
    assert query.error is not None


async def test_an_empty_address_selects_nobody() -> None:
    """An empty filter would return the whole account."""
    result = await run({"query_type": "email", "email": "{{Company}}"})

    assert result.error is not None
    assert not result.error.retryable
