"""donor_search: donor rating and profile link."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {"id": "c1", "first_name": "Ada", "last_name": "Love & Lace", "email": "ada@example.com", "phone": "+1 2"}
TAGS = [{"id": "77", "name": "Searched"}]
CONFIG = {"ds_rating_field": "Rating", "ds_profile_link_field": "Profile", "apply_tag": "77"}
FOUND = {"DS_Rating": 4.0, "ProfileLink": "https://ds.example/1"}


async def run(reply: Any = None, *, contact: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", {"contact": {**CONTACT, **(contact or {})}, "tags": TAGS})
    options.setdefault("service_auths", {"donorlead": {"api_key": "the-key"}})
    http = [{"match": {"method": "GET"}, "reply": reply if reply is not None else {"status": 200, "json": FOUND}}]
    return await run_helper("donor_search", {**CONFIG, **options.pop("config", {})}, http=http, **options)


async def test_a_search_and_what_it_stores() -> None:
    """Rating first, then link, then tag."""
    result = await run()

    url = result.requests[0].url
    assert str(url).startswith("https://data.donorlead.net/v2.1/?")
    assert list(url.params.multi_items()) == [
        ("api_key", "the-key"),
        ("first", "Ada"),
        ("last", "Love & Lace"),
        ("email", "ada@example.com"),
        ("phone", "+1 2"),
    ]
    assert "Authorization" not in result.requests[0].headers
    assert result.output is not None
    assert result.output.modified_data == {
        "ds_rating": "4",
        "profile_link": "https://ds.example/1",
        "raw_response": FOUND,
        "contact_id": "c1",
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("field_updated", "Rating", "4"),
        ("field_updated", "Profile", "https://ds.example/1"),
        ("tag_applied", "c1", "77"),
    ]
    assert result.crm.field("c1", "Rating") == "4"


@pytest.mark.parametrize("envelope", ["result", "Result", "data", "Data"])
async def test_findings_may_come_in_an_envelope(envelope: str) -> None:
    """Top level first."""
    result = await run({"json": {"DS_Rating": "A", envelope: {"DS_Rating": "B", "ProfileLink": "link"}}})

    assert result.output is not None
    assert result.output.modified_data["ds_rating"] == "A"
    assert result.output.modified_data["profile_link"] == "link"


@pytest.mark.parametrize("answer", [{}, {"DS_Rating": None, "ProfileLink": ""}, {"result": []}])
async def test_nothing_found_is_success_and_still_tagged(answer: dict[str, Any]) -> None:
    """Fields are left alone."""
    result = await run({"json": answer})

    assert result.output is not None
    assert (result.output.modified_data["ds_rating"], result.output.modified_data["profile_link"]) == ("", "")
    assert [action.type for action in result.output.actions] == ["tag_applied"]


async def test_empty_search_terms_are_left_out() -> None:
    """First and last name always travel."""
    result = await run(contact={"first_name": "", "email": "", "phone": None})

    assert list(result.requests[0].url.params) == ["api_key", "first", "last"]


async def test_a_contact_without_last_name_and_address_is_not_searched() -> None:
    """Final, nothing is sent."""
    result = await run(contact={"last_name": "", "email": ""})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 201, "json": FOUND}, False),
        ({"status": 204}, False),
        ({"status": 200, "text": "the-key is fine"}, False),
        ({"status": 200, "json": [1]}, False),
        ({"status": 403, "text": "bad key the-key"}, False),
        ({"status": 500}, True),
        ({"error": "timeout"}, True),
    ],
)
async def test_only_a_200_with_an_object_counts(reply: dict[str, Any], retryable: bool) -> None:
    """The key is in no message."""
    result = await run(reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert "the-key" not in str(result.error)
    assert result.crm.tags_of("c1") == set()


async def test_a_key_that_the_service_echoes_is_masked() -> None:
    """The answer is part of the output."""
    result = await run({"json": {**FOUND, "query": "api_key=the-key&first=Ada"}})

    assert result.output is not None
    assert result.output.modified_data["raw_response"]["query"] == "api_key=***&first=Ada"


async def test_masking_does_not_reach_the_findings() -> None:
    """A test key that is part of a word leaves the answer as it is."""
    result = await run(service_auths={"donorlead": {"api_key": "Link"}})

    assert result.output is not None
    assert result.output.modified_data["profile_link"] == "https://ds.example/1"
    assert result.output.modified_data["raw_response"] == FOUND


async def test_failing_writes_are_logged() -> None:
    """Post-steps: the search is not repeated."""
    crm = {"contact": CONTACT, "tags": TAGS, "fail": {"set_field_value": ["Rating"], "apply_tag": True}}
    result = await run(crm=crm)

    assert result.output is not None
    assert result.output.success
    assert [(a.type, a.target) for a in result.output.actions] == [("field_updated", "Profile")]
    assert len(result.output.logs) == 2


async def test_a_config_without_anything_is_valid_and_needs_the_connection_at_run_time() -> None:
    """Nothing is sent without the key."""
    result = await run_helper("donor_search", {}, crm={"contact": CONTACT})

    assert result.config_error is None
    assert result.error is not None
    assert result.requests == []
