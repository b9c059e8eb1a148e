"""zoom_meeting and zoom_webinar: create an event, or register the contact for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "custom_fields": {"Nick": "Countess", "Other": "other@example.com", "empty": ""},
}
CREATED = {"status": 201, "json": {"id": 91000, "join_url": "https://zoom.example/j/1"}}
REGISTERED = {"status": 201, "json": {"registrant_id": "r1", "join_url": "https://zoom.example/j/1", "id": 5}}
MEETING = {"action": "register", "meeting_id": "85"}
WEBINAR = {"action": "register", "webinar_id": "86"}


async def run(helper_type: str, config: dict[str, Any], reply: Any = None, **options: Any) -> HelperRun:
    answer = reply or (CREATED if config.get("action") == "create" else REGISTERED)
    options.setdefault("crm", {"contact": CONTACT})
    options.setdefault("service_auths", {"zoom": {"access_token": "token"}})
    return await run_helper(helper_type, config, http=[{"match": {"method": "POST"}, "reply": answer}], **options)


def body(run: HelperRun) -> Any:
    return json.loads(run.requests[0].content)


# create -------------------------------------------------------------------------------------------------------
async def test_a_meeting_with_defaults() -> None:
    """registration_type is sent only if configured: its presence asks for registrations."""
    config = {"action": "create", "user_id": "me@x.example", "registration_type": ""}
    result = await run("zoom_meeting", config, ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://api.zoom.us/v2/users/me%40x.example/meetings"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert body(result) == {
        "topic": "Meeting",
        "type": 2,
        "duration": 60,
        "timezone": "UTC",
        "settings": {"auto_recording": "none"},
    }
    assert result.output is not None
    assert result.output.modified_data == {
        "meeting_id": "91000", "join_url": "https://zoom.example/j/1", "topic": "Meeting"
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("meeting_created", "91000", "https://zoom.example/j/1")
    ]


async def test_a_meeting_with_everything() -> None:
    """A passcode does not make guests sign in, and appears in no output."""
    config = {
        "action": "create",
        "user_id": "me",
        "topic": "Call",
        "start_time": "2026-02-01T10:00:00",
        "duration": "45",
        "timezone": "Europe/Berlin",
        "password": "hush",
        "registration_type": 2,
        "auto_recording": "cloud",
        "save_join_url_to": "Link",
    }
    result = await run("zoom_meeting", config)

    assert body(result) == {
        "topic": "Call",
        "type": 2,
        "duration": 45,
        "timezone": "Europe/Berlin",
        "start_time": "2026-02-01T10:00:00",
        "password": "hush",
        "settings": {"auto_recording": "cloud", "registration_type": 2},
    }
    assert result.output is not None
    assert [(a.type, a.target) for a in result.output.actions] == [
        ("meeting_created", "91000"), ("field_updated", "Link")
    ]  # fmt: skip
    assert "hush" not in result.output.model_dump_json()


async def test_a_webinar() -> None:
    """Its settings are always complete."""
    result = await run("zoom_webinar", {"action": "create", "user_id": "me", "approval_type": "1", "api_key": "jwt"})

    assert result.requests[0].url.path == "/v2/users/me/webinars"
    assert body(result) == {
        "topic": "Webinar",
        "type": 5,
        "duration": 60,
        "timezone": "UTC",
        "settings": {
            "approval_type": 1,
            "registration_type": 1,
            "auto_recording": "cloud",
            "registrants_email_notification": True,
        },
    }
    assert result.output is not None
    assert result.output.modified_data == {
        "webinar_id": "91000", "join_url": "https://zoom.example/j/1", "topic": "Webinar"
    }  # fmt: skip
    assert result.output.actions[0].type == "webinar_created"


async def test_create_needs_no_address() -> None:
    """The earlier version demanded one."""
    result = await run("zoom_meeting", {"action": "create", "user_id": "me"}, crm={"contact": {"id": "c1"}})

    assert result.output is not None
    assert result.output.success


async def test_a_second_delivery_creates_no_second_event() -> None:
    """It goes on with the field."""
    config = {"action": "create", "user_id": "me", "save_join_url_to": "Link"}
    failing = {"contact": CONTACT, "fail": {"set_field_value": True}}
    first = await run("zoom_meeting", config, crm=failing, ids={"execution_id": "exec:1"})
    second = await run("zoom_meeting", config, ids={"execution_id": "exec:1"}, state=first.state)

    assert first.output is not None
    assert [action.type for action in first.output.actions] == ["meeting_created"]
    assert second.requests == []
    assert second.output is not None
    assert second.output.modified_data == first.output.modified_data
    assert second.crm.field("c1", "Link") == "https://zoom.example/j/1"


# register -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("helper_type", "config", "path", "noun"),
    [
        ("zoom_meeting", MEETING, "/v2/meetings/85/registrants", "meeting"),
        ("zoom_webinar", WEBINAR, "/v2/webinars/86/registrants", "webinar"),
    ],
)
async def test_a_registration_and_what_it_reports(helper_type: str, config: Any, path: str, noun: str) -> None:
    """The registration is the first action."""
    result = await run(helper_type, {**config, "save_join_url_to": "Link"})

    event_id = config[f"{noun}_id"]
    assert result.requests[0].url.path == path
    assert body(result) == {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    assert result.output is not None
    assert result.output.modified_data == {
        f"{noun}_id": event_id, "registrant_id": "r1", "join_url": "https://zoom.example/j/1"
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        (f"{noun}_registered", event_id, "r1"),
        ("field_updated", "Link", "https://zoom.example/j/1"),
    ]
    assert result.crm.field("c1", "Link") == "https://zoom.example/j/1"


@pytest.mark.parametrize(
    ("config", "contact", "names"),
    [
        ({}, {}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"name_field": ""}, {"last_name": ""}, {"first_name": "Ada"}),
        ({"name_field": "Nick"}, {}, {"first_name": "Countess"}),
        ({"name_field": "empty"}, {}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"name_field": "nobody"}, {}, {"first_name": "Ada", "last_name": "Lovelace"}),
        ({"name_field": "LastName"}, {}, {"first_name": "Lovelace"}),
        ({}, {"first_name": ""}, {"first_name": "ada", "last_name": "Lovelace"}),
        ({"name_field": "Nick", "email_field": "Other"}, {}, {"first_name": "Countess"}),
    ],
)
async def test_registrant_names(config: dict[str, Any], contact: dict[str, Any], names: dict[str, str]) -> None:
    """A name field of its own holds the whole name."""
    sent = body(await run("zoom_meeting", {**MEETING, **config}, crm={"contact": {**CONTACT, **contact}}))
    email = sent.pop("email")

    assert sent == names
    assert email == ("other@example.com" if "email_field" in config else "ada@example.com")


async def test_custom_questions_travel_with_a_webinar_registration() -> None:
    """Only objects do."""
    question = {"title": "Size?", "value": "M"}
    asked = await run("zoom_webinar", {**WEBINAR, "custom_questions": [question, "x", None]})
    empty = await run("zoom_webinar", {**WEBINAR, "custom_questions": ["x"]})

    assert body(asked)["custom_questions"] == [question]
    assert "custom_questions" not in body(empty)


@pytest.mark.parametrize("answer", [{"registrant_id": "r1"}, {"registrant_id": "r1", "join_url": ""}])
async def test_without_a_join_url_nothing_is_saved(answer: dict[str, Any]) -> None:
    """A webinar with manual approval has none yet."""
    result = await run("zoom_webinar", {**WEBINAR, "save_join_url_to": "Link"}, {"status": 201, "json": answer})

    assert result.output is not None
    assert [action.type for action in result.output.actions] == ["webinar_registered"]
    assert result.output.modified_data["join_url"] == ""


async def test_without_an_address_or_credentials_nothing_is_sent() -> None:
    """Both are final."""
    no_address = await run("zoom_meeting", MEETING, crm={"contact": {"id": "c1"}})
    no_credentials = await run("zoom_meeting", MEETING, service_auths={"zoom": {"api_key": "jwt", "api_secret": "x"}})

    for result in (no_address, no_credentials):
        assert result.error is not None
        assert not result.error.retryable
        assert result.requests == []


async def test_a_contact_that_does_not_exist_is_final() -> None:
    """Also for create."""
    result = await run("zoom_meeting", {"action": "create", "user_id": "me"}, contact_id="c9")

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 400, "json": {"code": 300}}, False),
        ({"status": 404, "json": {"code": 3001}}, False),
        ({"status": 401, "json": {"code": 124}}, False),
        ({"status": 429}, True),
        ({"status": 429, "headers": {"X-RateLimit-Type": "QPS"}}, True),
        ({"status": 429, "headers": {"Retry-After": "10"}}, True),
        ({"status": 429, "headers": {"X-RateLimit-Type": "Daily-limit"}}, False),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, False),
        ({"status": 429, "headers": {"Retry-After": "2026-01-16T00:00:00Z"}}, False),
        ({"status": 429, "headers": {"Retry-After": "2026-01-15T10:05:00Z"}}, True),
        ({"status": 503}, True),
    ],
)
async def test_outcomes(reply: dict[str, Any], retryable: bool) -> None:
    """The daily limit is final: no backoff bridges it."""
    result = await run("zoom_meeting", {**MEETING, "save_join_url_to": "Link"}, reply, now="2026-01-15T10:00:00Z")

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.field("c1", "Link") is None


# config -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("helper_type", "config"),
    [
        ("zoom_meeting", {}),
        ("zoom_meeting", {"action": "delete", "meeting_id": "1"}),
        ("zoom_meeting", {"action": "create"}),
        ("zoom_meeting", {"action": "create", "user_id": " "}),
        ("zoom_meeting", {"action": "register", "user_id": "me"}),
        ("zoom_meeting", {**MEETING, "registration_type": 4}),
        ("zoom_meeting", {**MEETING, "auto_recording": "tape"}),
        ("zoom_meeting", {**MEETING, "duration": "long"}),
        ("zoom_webinar", {"action": "register", "meeting_id": "1"}),
        ("zoom_webinar", {"action": "create", "webinar_id": "1"}),
        ("zoom_webinar", {**WEBINAR, "approval_type": 3}),
        ("zoom_webinar", {**WEBINAR, "approval_type": 1.5}),
        ("zoom_meeting", {**MEETING, "registration_type": "2.5"}),
        ("zoom_webinar", {**WEBINAR, "approval_type": -1}),
        ("zoom_webinar", {**WEBINAR, "registration_type": 0}),
    ],
)
async def test_refused_configs(helper_type: str, config: dict[str, Any]) -> None:
    """The action decides which id is needed."""
    assert (await run(helper_type, config)).config_error is not None
