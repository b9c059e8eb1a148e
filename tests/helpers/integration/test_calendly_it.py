"""calendly_it: booking links out, booking events in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import HelperRun, SandboxCRM, run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "custom_fields": {"Nick": "Countess", "empty": ""},
}
TAGS = [{"id": "7", "name": "Booked"}, {"id": "8", "name": "Canceled"}, {"id": "9", "name": "Moved"}]
URI = "https://api.calendly.com/event_types/X"
LINKED = {"status": 201, "json": {"resource": {"booking_url": "https://calendly.com/d/1", "owner": URI}}}


async def run(config: dict[str, Any] | None = None, reply: Any = None, **options: Any) -> HelperRun:
    options.setdefault("crm", {"contact": CONTACT, "tags": TAGS})
    http = [] if reply is None else [{"match": {"method": "POST"}, "reply": reply}]
    stored = {"event_type_uri": URI, "api_token": "personal", **(config or {})}
    return await run_helper("calendly_it", stored, http=http, **options)


# link mode ----------------------------------------------------------------------------------------------------
async def test_a_link_and_what_it_reports() -> None:
    """The token stays out of the output."""
    result = await run({"result_field": "Link"}, LINKED, ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://api.calendly.com/scheduling_links"
    assert request.headers["Authorization"] == "Bearer personal"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert json.loads(request.content) == {"max_event_count": 1, "owner": URI, "owner_type": "EventType"}
    assert result.output is not None
    assert result.output.modified_data == {
        "event_type_uri": URI,
        "email": "ada@example.com",
        "name": "Ada",
        "api_url": "https://api.calendly.com/scheduling_links",
        "invite": {"max_event_count": 1, "email": "ada@example.com", "name": "Ada"},
        "booking_url": "https://calendly.com/d/1",
        "prefilled_url": "https://calendly.com/d/1?name=Ada&email=ada%40example.com",
        "result_field": "Link",
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("scheduling_link_created", URI, "https://calendly.com/d/1"),
        ("field_updated", "Link", "https://calendly.com/d/1"),
    ]
    assert result.crm.field("c1", "Link") == "https://calendly.com/d/1"
    assert "personal" not in result.output.model_dump_json()


async def test_without_a_result_field_nothing_is_written() -> None:
    """The key is left out of the output too."""
    result = await run({"result_field": ""}, LINKED)

    assert result.output is not None
    assert "result_field" not in result.output.modified_data
    assert len(result.output.actions) == 1


@pytest.mark.parametrize(
    ("name_field", "contact", "name"),
    [
        ("Nick", {}, "Countess"),
        ("empty", {}, "Ada Lovelace"),
        ("nobody", {}, "Ada Lovelace"),
        ("FirstName", {"first_name": ""}, "Lovelace"),
        ("full_name", {}, "Ada Lovelace"),
    ],
)
async def test_the_invitee_name(name_field: str, contact: dict[str, Any], name: str) -> None:
    """The field's value, else first and last name."""
    result = await run({"name_field": name_field}, LINKED, crm={"contact": {**CONTACT, **contact}})

    assert result.output is not None
    assert result.output.modified_data["name"] == name


@pytest.mark.parametrize("email_field", ["empty", "nobody", "EMAIL", "Nobody"])
async def test_without_an_address_nothing_is_sent(email_field: str) -> None:
    """Field keys are case-sensitive."""
    result = await run({"email_field": email_field}, LINKED)

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_a_connection_wins_over_the_token_of_the_config() -> None:
    """With its base URL."""
    auth = {"access_token": "connected", "base_url": "https://mock.example/"}
    result = await run({}, LINKED, service_auths={"calendly": auth})

    assert str(result.requests[0].url) == "https://mock.example/scheduling_links"
    assert result.requests[0].headers["Authorization"] == "Bearer connected"


async def test_a_chosen_connection_that_is_empty_sends_nothing() -> None:
    """The config is valid, the credential is missing."""
    result = await run({"api_token": "", "service_connection_ids": {"calendly": "connection:1"}}, LINKED)

    assert result.config_error is None
    assert result.error is not None
    assert result.requests == []


@pytest.mark.parametrize("answer", [{}, {"resource": {}}, {"resource": {"booking_url": ""}}, {"resource": None}])
async def test_an_answer_without_a_link_is_final(answer: Any) -> None:
    """Nothing is written."""
    result = await run({"result_field": "Link"}, {"status": 201, "json": answer})

    assert result.error is not None
    assert not result.error.retryable
    assert result.crm.field("c1", "Link") is None


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (403, False), (404, False), (429, True), (500, True)]
)  # fmt: skip
async def test_outcomes(status: int, retryable: bool) -> None:
    """The token is in no message."""
    result = await run({}, {"status": status, "text": "personal"})

    assert result.error is not None
    assert result.error.retryable is retryable
    assert "personal" not in str(result.error)


async def test_a_second_delivery_writes_the_link_of_the_first() -> None:
    """A single-use link is not made twice."""
    failing = {"contact": CONTACT, "fail": {"set_field_value": True}}
    first = await run({"result_field": "Link"}, LINKED, crm=failing, ids={"execution_id": "exec:1"})
    second = await run({"result_field": "Link"}, None, ids={"execution_id": "exec:1"}, state=first.state)

    assert first.output is not None
    assert first.output.success
    assert [action.type for action in first.output.actions] == ["scheduling_link_created"]
    assert second.requests == []
    assert second.crm.field("c1", "Link") == "https://calendly.com/d/1"


@pytest.mark.parametrize(
    ("url", "prefilled"),
    [("https://calendly.com/d/1?x=1", "https://calendly.com/d/1?x=1&name=A%20%26%20B&email=ada%40example.com")],
)
async def test_the_prefilled_link_is_encoded(url: str, prefilled: str) -> None:
    """Behind a query string that is there already."""
    reply = {"status": 201, "json": {"resource": {"booking_url": url}}}
    result = await run({}, reply, crm={"contact": {**CONTACT, "first_name": "A & B"}})

    assert result.output is not None
    assert result.output.modified_data["prefilled_url"] == prefilled


# event mode ---------------------------------------------------------------------------------------------------
EVENT_CONFIG = {
    "created_tag": "booked",
    "canceled_tag": "8",
    "rescheduled_tag": "Moved",
    "save_meeting_time_to": "When",
    "save_duration_to": "Minutes",
    "save_event_type_to": "Kind",
}


def raw(event: str, **payload: Any) -> dict[str, Any]:
    scheduled = {
        "start_time": "2026-02-01T10:00:00.000000Z",
        "end_time": "2026-02-01T10:29:30.000000Z",
        "name": "Intro",
    }
    return {"event": event, "payload": {"scheduled_event": scheduled, "old_invitee": None, **payload}}


async def test_a_booking_tags_and_saves() -> None:
    """Tag first, then the fields; no request."""
    data = {"webhook_event": "invitee.created", "meeting_time": "2026-02-01T10:00:00Z", "duration": 29.6}
    result = await run(EVENT_CONFIG, input={**data, "event_type_name": "Intro"})

    assert result.requests == []
    assert result.output is not None
    assert result.output.modified_data == {
        "event_type": "invitee.created",
        "tag_applied": "booked",
        "field_updates": {"When": "2026-02-01T10:00:00Z", "Minutes": "30", "Kind": "Intro"},
        "meeting_time": "2026-02-01T10:00:00Z",
        "duration": "30",
        "event_type_name": "Intro",
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("tag_applied", "c1", "booked"),
        ("field_updated", "When", "2026-02-01T10:00:00Z"),
        ("field_updated", "Minutes", "30"),
        ("field_updated", "Kind", "Intro"),
    ]
    assert result.crm.tags_of("c1") == {"7"}


@pytest.mark.parametrize(
    ("body", "event_type", "tag"),
    [
        (raw("invitee.created"), "invitee.created", "booked"),
        (raw("invitee.created", old_invitee="https://api.calendly.com/x"), "invitee.rescheduled", "Moved"),
        (raw("invitee.canceled", rescheduled=False), "invitee.canceled", "8"),
        ({"webhook_data": raw("invitee.created")}, "invitee.created", "booked"),
        ({"webhook_event": "invitee.rescheduled", "event": "invitee.created"}, "invitee.rescheduled", "Moved"),
        ({"webhook_event": "", "event": "invitee.created"}, "invitee.created", "booked"),
        ({"webhook_data": {"event": "invitee.created"}, "event": {"id": 1}}, "invitee.created", "booked"),
    ],
)
async def test_which_event_it_is(body: dict[str, Any], event_type: str, tag: str) -> None:
    """A moved booking is a creation that names the invitee it replaces."""
    result = await run(EVENT_CONFIG, input=body)

    assert result.output is not None
    assert result.output.modified_data["event_type"] == event_type
    assert result.output.modified_data["tag_applied"] == tag


async def test_a_raw_body_says_when_how_long_and_what() -> None:
    """The duration is the rounded difference of the two instants."""
    result = await run(EVENT_CONFIG, input=raw("invitee.created"))

    assert result.output is not None
    assert result.output.modified_data["field_updates"] == {
        "When": "2026-02-01T10:00:00.000000Z", "Minutes": "30", "Kind": "Intro"
    }  # fmt: skip


async def test_the_cancellation_of_a_moved_booking_is_ignored() -> None:
    """Its creation follows."""
    result = await run(EVENT_CONFIG, input=raw("invitee.canceled", rescheduled=True))

    assert result.output is not None
    assert result.output.success
    assert result.output.actions == []
    assert result.output.modified_data["tag_applied"] == ""
    assert result.output.modified_data["field_updates"] == {}


async def test_an_event_in_the_config_switches_the_mode() -> None:
    """And one in the input wins over it."""
    config = {**EVENT_CONFIG, "webhook_event": "invitee.created"}
    by_config, by_input = await run(config), await run(config, input={"event": "invitee.canceled"})

    assert by_config.output is not None
    assert by_config.output.modified_data["event_type"] == "invitee.created"
    assert by_input.output is not None
    assert by_input.output.modified_data["event_type"] == "invitee.canceled"


@pytest.mark.parametrize(
    ("duration", "saved"), [("30", "30"), (45, "45"), ("22.5", "23"), ("long", ""), (None, ""), (True, "")]
)  # fmt: skip
async def test_durations(duration: Any, saved: str) -> None:
    """Whole minutes as text; what is no number is no duration."""
    result = await run(EVENT_CONFIG, input={"event": "invitee.created", "duration": duration})

    assert result.output is not None
    assert result.output.modified_data["duration"] == saved
    assert ("Minutes" in result.output.modified_data["field_updates"]) is bool(saved)


async def test_a_tag_that_does_not_exist_is_logged() -> None:
    """The earlier version reported it as applied."""
    result = await run({**EVENT_CONFIG, "created_tag": "nothing"}, input={"event": "invitee.created"})

    assert result.output is not None
    assert result.output.modified_data["tag_applied"] == ""
    assert result.output.actions == []
    assert any("nothing" in line for line in result.output.logs)


async def test_an_unknown_event_is_final() -> None:
    """No request, no write."""
    result = await run(EVENT_CONFIG, input={"event": "routing_form_submission.created"})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_failing_fields_are_logged_and_the_rest_goes_on() -> None:
    """Still success."""
    crm = {"contact": CONTACT, "tags": TAGS, "fail": {"set_field_value": ["When"], "apply_tag": True}}
    result = await run(EVENT_CONFIG, input=raw("invitee.created"), crm=crm)

    assert result.output is not None
    assert result.output.success
    assert result.output.modified_data["tag_applied"] == ""
    assert result.output.modified_data["field_updates"] == {"Minutes": "30", "Kind": "Intro"}


async def test_a_write_that_may_succeed_later_makes_the_run_retryable() -> None:
    """After the others were done: every write can be repeated."""
    crm = SandboxCRM({"contact": CONTACT, "tags": TAGS})
    write = crm.set_field_value

    async def busy(contact_id: str, field_key: str, value: Any) -> None:
        if field_key == "When":
            raise CrmError(CrmErrorCode.RATE_LIMITED, "slow down", platform="keap", status_code=429, retryable=True)
        await write(contact_id, field_key, value)

    crm.set_field_value = busy  # type: ignore[method-assign] # a double of one method
    result = await run(EVENT_CONFIG, input=raw("invitee.created"), crm=crm)

    assert result.error is not None
    assert result.error.retryable
    assert crm.field("c1", "Kind") == "Intro"
    assert crm.tags_of("c1") == {"7"}


# config -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "config",
    [
        {"event_type_uri": ""},
        {"event_type_uri": " "},
        {"event_type_uri": 5},
        {"api_token": None},
        {"api_token": " "},
        {"api_token": "", "service_connection_ids": {"calendly": ""}},
        {"api_token": "", "service_connection_ids": {"zoom": "x"}},
        {"webhook_event": "invitee.moved"},
        {"created_tag": ["7"]},
    ],
)
async def test_refused_configs(config: dict[str, Any]) -> None:
    """A URI, and one of token and connection."""
    assert (await run(config)).config_error is not None


async def test_blanks_of_the_old_form_mean_not_set() -> None:
    """Defaults apply."""
    blanks = {"email_field": "", "name_field": None, "webhook_event": "", "service_connection_ids": None}
    result = await run(blanks, LINKED)

    assert result.output is not None
    assert result.output.success


async def test_keys_of_the_config_are_no_event() -> None:
    """Only webhook_event switches the mode."""
    result = await run({"event": "invitee.created"}, LINKED)

    assert result.output is not None
    assert result.output.actions[0].type == "scheduling_link_created"


@pytest.mark.parametrize("duration", ["1e29", 1e30])
async def test_an_absurd_duration_is_no_duration(duration: Any) -> None:
    """It does not crash the run."""
    result = await run(EVENT_CONFIG, input={"event": "invitee.created", "duration": duration})

    assert result.output is not None
    assert result.output.modified_data["duration"] == ""
