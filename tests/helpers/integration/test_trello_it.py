"""trello_it: a card from contact data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "{email}",
    "email": "ada@example.com",
    "custom_fields": {"Plan": ["a", "b"], "empty": None},
}
CARD = {"status": 200, "json": {"id": "card1", "shortUrl": "https://trello.com/c/1"}}


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    stored = {"board_id": "b", "list_id": "l", "card_name_template": "Call {first_name}", **(config or {})}
    options.setdefault("crm", {"contact": CONTACT, "tags": [{"id": "77", "name": "Carded"}]})
    options.setdefault("service_auths", {"trello": {"api_key": "app-key", "api_secret": "user-token"}})
    http = [{"match": {"method": "POST", "url_contains": "/1/cards"}, "reply": reply or CARD}]
    return await run_helper("trello_it", stored, http=http, **options)


async def test_a_card_and_what_it_reports() -> None:
    """Key and token travel in a header, never in the query string."""
    config = {"card_description_template": "{full_name} / {Plan} / {nobody}", "apply_tag": "Carded"}
    result = await run(config, ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://api.trello.com/1/cards"
    assert request.headers["Authorization"] == 'OAuth oauth_consumer_key="app-key", oauth_token="user-token"'
    assert request.headers["Idempotency-Key"] == "exec:1"
    # One pass: the braces in the last name are data.
    assert json.loads(request.content) == {
        "idList": "l", "name": "Call Ada", "desc": "Ada {email} / a, b / {nobody}"
    }  # fmt: skip
    assert result.output is not None
    assert result.output.modified_data == {
        "card_id": "card1",
        "card_url": "https://trello.com/c/1",
        "card_name": "Call Ada",
        "board_id": "b",
        "list_id": "l",
        "contact_id": "c1",
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("card_created", "card1", "https://trello.com/c/1"),
        ("tag_applied", "c1", "Carded"),
    ]


@pytest.mark.parametrize("template", [None, "", "{empty}"])
async def test_an_empty_description_is_left_out(template: str | None) -> None:
    """Also where only the merge made it empty."""
    assert "desc" not in json.loads((await run({"card_description_template": template})).requests[0].content)


async def test_a_name_that_is_blank_after_the_merge_is_final() -> None:
    """Nothing is sent."""
    result = await run({"card_name_template": " {empty} "})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize("auth", [{}, {"api_key": "k"}, {"api_secret": "s"}])
async def test_both_credentials_are_needed(auth: dict[str, str]) -> None:
    """Nothing is sent."""
    result = await run(service_auths={"trello": auth})

    assert result.error is not None
    assert result.requests == []


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (404, False), (429, True), (503, True)]
)  # fmt: skip
async def test_outcomes(status: int, retryable: bool) -> None:
    """No credential is in the message."""
    result = await run({"apply_tag": "77"}, {"status": status, "text": "app-key user-token"})

    assert result.error is not None
    assert result.error.retryable is retryable
    assert "user-token" not in str(result.error)
    assert "app-key" not in str(result.error)
    assert result.crm.tags_of("c1") == set()


async def test_a_second_delivery_makes_no_second_card() -> None:
    """It goes on with the tag."""
    failing = {"contact": CONTACT, "tags": [{"id": "77", "name": "Carded"}], "fail": {"apply_tag": True}}
    first = await run({"apply_tag": "77"}, crm=failing, ids={"execution_id": "exec:1"})
    second = await run({"apply_tag": "77"}, ids={"execution_id": "exec:1"}, state=first.state)

    assert first.output is not None
    assert [action.type for action in first.output.actions] == ["card_created"]
    assert second.requests == []
    assert second.output is not None
    assert second.output.modified_data == first.output.modified_data
    assert [action.type for action in second.output.actions] == ["card_created", "tag_applied"]


@pytest.mark.parametrize("key", ["board_id", "list_id", "card_name_template"])
@pytest.mark.parametrize("value", [None, "", " ", 5])
async def test_refused_configs(key: str, value: Any) -> None:
    """Three required strings."""
    assert (await run({key: value})).config_error is not None
