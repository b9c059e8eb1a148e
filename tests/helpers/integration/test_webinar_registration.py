"""everwebinar and webinar_jam: one registration, two services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
TAGS = [{"id": "77", "name": "Registered"}]
USER = {
    "user_id": 9001,
    "live_room_url": "https://e.example/live",
    "replay_room_url": "https://e.example/replay",
    "thank_you_url": "https://e.example/thanks",
    "date": "2026-01-20",
}
REGISTERED = {"status": 200, "json": {"status": "success", "user": USER}}
SERVICES = {
    "everwebinar": ("everwebinar", "https://api.webinarjam.com/everwebinar"),
    "webinar_jam": ("webinarjam", "https://api.webinarjam.com/webinarjam"),
}
both = pytest.mark.parametrize("helper_type", SERVICES)


async def run(
    helper_type: str = "everwebinar",
    config: dict[str, Any] | None = None,
    *,
    contact: dict[str, Any] | None = None,
    reply: dict[str, Any] | None = None,
    schedules: dict[str, Any] | None = None,
    **options: Any,
) -> HelperRun:
    http: list[dict[str, Any]] = [{"match": {"url_contains": "/register"}, "reply": reply or REGISTERED}]
    if schedules is not None:
        http.append({"match": {"url_contains": "/webinar"}, "reply": {"json": schedules}})
    options.setdefault("crm", {"contact": {**CONTACT, **(contact or {})}, "tags": TAGS})
    options.setdefault("service_auths", {SERVICES[helper_type][0]: {"api_key": "the-key"}})
    return await run_helper(helper_type, {"webinar_id": "12", "schedule": "3", **(config or {})}, http=http, **options)


def body(run: HelperRun, index: int = -1) -> Any:
    return json.loads(run.requests[index].content)


@both
async def test_a_registration_and_what_it_reports(helper_type: str) -> None:
    """Ids of digits travel as integers; the tag follows; no key is in the output."""
    result = await run(helper_type, {"apply_tag": "registered"}, ids={"execution_id": "exec:1"})

    url = f"{SERVICES[helper_type][1]}/register"
    assert str(result.requests[0].url) == url
    assert result.requests[0].headers["Idempotency-Key"] == "exec:1"
    assert body(result) == {
        "api_key": "the-key",
        "webinar_id": 12,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.com",
        "schedule": 3,
    }
    assert result.output is not None
    assert result.output.modified_data == {
        "webinar_id": "12",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "api_url": url,
        "schedule": "3",
        "user_id": "9001",
        "live_room_url": "https://e.example/live",
        "replay_room_url": "https://e.example/replay",
        "thank_you_url": "https://e.example/thanks",
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("webinar_registered", "12", "9001"),
        ("tag_applied", "c1", "registered"),
    ]
    assert result.crm.tags_of("c1") == {"77"}
    assert "the-key" not in result.output.model_dump_json()


async def test_ids_that_are_no_numbers_stay_text() -> None:
    """As configured."""
    result = await run(config={"webinar_id": "ab12", "schedule": "next"})

    assert (body(result)["webinar_id"], body(result)["schedule"]) == ("ab12", "next")


async def test_a_missing_first_name_is_taken_from_the_address_and_a_missing_last_name_left_out() -> None:
    """The API requires the first name only."""
    result = await run(contact={"first_name": "", "last_name": None})

    assert body(result)["first_name"] == "ada"
    assert "last_name" not in body(result)
    assert result.output is not None
    assert result.output.modified_data["first_name"] == "ada"


@pytest.mark.parametrize("schedule", ["", None])
async def test_without_a_schedule_the_first_one_offered_is_taken(schedule: str | None) -> None:
    """The API knows no registration without a schedule."""
    offered = {"status": "success", "webinar": {"schedules": [{"schedule": 5}, {"schedule": 6}]}}
    result = await run(config={"schedule": schedule}, schedules=offered)

    assert [request.url.path for request in result.requests] == ["/everwebinar/webinar", "/everwebinar/register"]
    assert body(result, 0) == {"api_key": "the-key", "webinar_id": 12}
    assert body(result)["schedule"] == 5
    assert result.output is not None
    assert result.output.modified_data["schedule"] == "5"


@pytest.mark.parametrize(
    "offered",
    [
        {"status": "success", "webinar": {"schedules": []}},
        {"status": "success", "webinar": {}},
        {"status": "success"},
        {"status": "error", "message": "no such webinar"},
    ],
)
async def test_a_webinar_without_schedules_is_final(offered: dict[str, Any]) -> None:
    """Nobody is registered."""
    result = await run(config={"schedule": ""}, schedules=offered)

    assert result.error is not None
    assert not result.error.retryable
    assert len(result.requests) == 1


@both
@pytest.mark.parametrize("reply", [{"json": {"status": "error", "message": "the-key is wrong"}}, {"json": {}}])
async def test_another_status_than_success_is_final_and_tags_nobody(helper_type: str, reply: dict[str, Any]) -> None:
    """The earlier version tagged contacts who were never registered."""
    result = await run(helper_type, {"apply_tag": "77"}, reply=reply)

    assert result.error is not None
    assert not result.error.retryable
    assert "the-key" not in str(result.error)
    assert result.crm.tags_of("c1") == set()


@both
async def test_without_an_address_or_a_key_nothing_is_sent(helper_type: str) -> None:
    """Both are final."""
    for result in (await run(helper_type, contact={"email": " "}), await run(helper_type, service_auths={})):
        assert result.error is not None
        assert not result.error.retryable
        assert result.requests == []


async def test_a_tag_that_fails_afterwards_is_logged() -> None:
    """A retry would register again."""
    crm = {"contact": CONTACT, "tags": TAGS, "fail": {"apply_tag": True}}
    result = await run(config={"apply_tag": "77"}, crm=crm)

    assert result.output is not None
    assert result.output.success
    assert [action.type for action in result.output.actions] == ["webinar_registered"]
    assert any("77" in line for line in result.output.logs)


@both
@pytest.mark.parametrize("config", [{"webinar_id": ""}, {"webinar_id": "  "}, {"webinar_id": 12}, {"apply_tag": 7}])
async def test_refused_configs(helper_type: str, config: dict[str, Any]) -> None:
    """Blank or of a wrong type."""
    assert (await run(helper_type, config)).config_error is not None
