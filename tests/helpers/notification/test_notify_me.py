"""notify_me: delivered before success is reported, once, and never to a private address."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ann",
    "last_name": "Lee & Sons",
    "email": "ann@example.com",
    "custom_fields": {"score": 12.0, "note": "", "self": "{{email}}"},
}
HOOK = "https://hooks.slack.com/services/T0/B0/XXXX"


async def run(config: dict[str, Any], reply: Any = None, **options: Any) -> Any:
    http = [{"match": {}, "reply": reply}] if reply is not None else []
    fixture = {"contact": CONTACT, **options.pop("crm", {})}
    return await run_helper("notify_me", {"message": "Hi {{first_name}}", **config}, crm=fixture, http=http, **options)


async def test_an_email_goes_through_the_platform_mailer_to_the_user() -> None:
    """Empty recipient: the mailer fills in the user; an empty subject becomes a default in the mail only."""
    result = await run({"channel": "email", "subject": ""})

    (mail,) = result.mails
    assert mail.text == "Hi Ann"
    assert mail.subject == "Notify Me"
    assert mail.to != ""
    assert result.output.success
    data = result.output.modified_data
    assert (data["subject"], data["message"], data["recipient"]) == ("", "Hi Ann", "")
    (action,) = result.output.actions
    assert (action.type, action.target, action.value) == ("notification_sent", "email", data)


async def test_templates_are_replaced_in_one_pass() -> None:
    """Unknown keys stay, known empty ones vanish, inserted text is not expanded again."""
    message = "{{ first_name }}|{{phone}}|{{nobody}}|{{self}}|{{full_name}}|{{score}}|{{contact_id}}"
    config = {"channel": "email", "message": message, "include_fields": ["self", "score", "note", "missing"]}
    result = await run(config)

    data = result.output.modified_data
    assert data["message"] == "Ann||{{nobody}}|{{email}}|Ann Lee & Sons|12|c1"
    assert data["contact"] == {
        "contact_id": "c1",
        "first_name": "Ann",
        "last_name": "Lee & Sons",
        "email": "ann@example.com",
        "phone": "",
        "company": "",
        "job_title": "",
        "full_name": "Ann Lee & Sons",
        "self": "{{email}}",
        "score": "12",
        "note": "",
    }


async def test_an_include_field_that_fails_for_good_is_left_out() -> None:
    """It is logged."""
    result = await run({"channel": "email", "include_fields": ["score"]}, crm={"fail": {"get_field_value": ["score"]}})

    assert result.output.success
    assert "score" not in result.output.modified_data["contact"]
    assert result.output.logs


async def test_a_subject_never_holds_a_line_break() -> None:
    """Contact data must not add mail headers; the breaks are removed, modified_data keeps them."""
    result = await run({"channel": "email", "subject": "A\r\nBcc: x@example.com\n"})

    assert result.mails[0].subject == "ABcc: x@example.com"
    assert result.output.modified_data["subject"] == "A\r\nBcc: x@example.com\n"


@pytest.mark.parametrize("recipient", ["nobody", "a@b", "a b@example.org"])
async def test_a_bad_address_is_a_permanent_failure(recipient: str) -> None:
    """Reported with the data, without an action."""
    result = await run({"channel": "email", "recipient": recipient})

    assert not result.output.success
    assert result.output.modified_data["recipient"] == recipient
    assert result.output.actions == []
    assert result.mails == []


async def test_a_webhook_gets_the_data_as_json() -> None:
    """With idempotency headers."""
    result = await run(
        {"channel": "webhook", "recipient": "https://crm.example.com/in", "subject": "S"},
        {"status": 204},
        ids={"execution_id": "exec:1"},
    )

    (request,) = result.requests
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "exec:1"
    assert json.loads(request.content) == result.output.modified_data
    assert result.output.success


@pytest.mark.parametrize(
    "recipient",
    ["", "ftp://x.example.com", "http://127.0.0.1/x", "http://169.254.169.254/", "http://localhost", "not a url"],
)
async def test_a_target_that_is_not_allowed_gets_nothing(recipient: str) -> None:
    """Private and non-HTTP targets are refused before a request."""
    result = await run({"channel": "webhook", "recipient": recipient})

    assert not result.output.success
    assert result.requests == []


@pytest.mark.parametrize(
    ("status", "retryable"), [(429, True), (500, True), (503, True), (400, None), (404, None), (408, None)]
)
@pytest.mark.parametrize("channel", ["webhook", "slack"])
async def test_http_failures(channel: str, status: int, retryable: bool | None) -> None:
    """Transient ones are raised, permanent ones are a failed output."""
    recipient = HOOK if channel == "slack" else "https://crm.example.com/in"
    result = await run({"channel": channel, "recipient": recipient}, {"status": status})

    if retryable:
        assert result.error is not None
        assert result.error.retryable
    else:
        assert not result.output.success
        assert result.output.modified_data["message"] == "Hi Ann"


@pytest.mark.parametrize(("recipient", "token"), [("https://crm.example.com/in", ""), (HOOK, ""), ("#general", "t")])
async def test_however_long_the_wait_a_rate_limit_is_transient(recipient: str, token: str) -> None:
    """Data D10 knows no longest wait; that is a rule of the integration helpers."""
    channel = "webhook" if "crm.example" in recipient else "slack"
    reply = {"status": 429, "headers": {"Retry-After": "3600"}}
    result = await run(
        {"channel": channel, "recipient": recipient}, reply, service_auths={"slack": {"access_token": token}}
    )

    assert (result.error.retryable, result.error.retry_after) == (True, 3600.0)


async def test_a_timeout_is_transient() -> None:
    """The job is retried."""
    result = await run({"channel": "webhook", "recipient": "https://x.example.com"}, {"error": "timeout"})

    assert result.error.retryable


async def test_a_slack_hook_gets_escaped_text() -> None:
    """Contact values are escaped, the template is not; the subject is bold; the body of the answer does not matter."""
    config = {"channel": "slack", "recipient": HOOK, "subject": "{{last_name}}", "message": "<b> {{last_name}}"}
    result = await run(config, {"status": 200, "text": "whatever"})

    assert json.loads(result.requests[0].content) == {"text": "*Lee &amp; Sons*\n<b> Lee &amp; Sons"}
    assert result.output.modified_data["message"] == "<b> Lee & Sons"


async def test_a_slack_channel_needs_a_token() -> None:
    """Missing: permanent, no request."""
    result = await run({"channel": "slack", "recipient": "#general"})

    assert not result.output.success
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ({"status": 200, "json": {"ok": True}}, "sent"),
        ({"status": 200, "json": {"ok": False, "error": "channel_not_found"}}, "failed"),
        ({"status": 200, "json": {"ok": False, "error": "invalid_auth"}}, "failed"),
        ({"status": 200, "json": {"ok": False, "error": "ratelimited"}, "headers": {"Retry-After": "7"}}, "retry"),
        ({"status": 429, "headers": {"Retry-After": "7"}}, "retry"),
        ({"status": 200, "text": "<html>"}, "failed"),
    ],
)
async def test_slack_answers_200_even_on_failure(reply: dict[str, Any], outcome: str) -> None:
    """``ok`` decides; the wait Slack asks for is passed on."""
    result = await run(
        {"channel": "slack", "recipient": "#general"}, reply, service_auths={"slack": {"access_token": "xoxb-1"}}
    )

    request = result.requests[0]
    assert str(request.url) == "https://slack.com/api/chat.postMessage"
    assert request.headers["authorization"] == "Bearer xoxb-1"
    assert json.loads(request.content) == {"channel": "#general", "text": "Hi Ann"}
    if outcome == "retry":
        assert (result.error.retryable, result.error.retry_after) == (True, 7.0)
    else:
        assert result.output.success is (outcome == "sent")
        assert "xoxb-1" not in str(result.output)


async def test_a_redelivered_execution_does_not_notify_twice() -> None:
    """The second run finds the record of the first."""
    ids = {"execution_id": "exec:1"}
    first = await run({"channel": "email"}, ids=ids)
    again = await run({"channel": "email"}, ids=ids, state=first.state)

    assert (len(first.mails), len(again.mails)) == (1, 0)
    assert again.output.success


async def test_an_unknown_contact_is_a_permanent_failure() -> None:
    """Nothing is sent."""
    result = await run({"channel": "email"}, contact_id="nobody")

    assert result.error is not None
    assert not result.error.retryable
    assert result.mails == []


@pytest.mark.parametrize("config", [{"channel": "sms"}, {}, {"channel": "email", "message": ""}])
async def test_a_bad_config_is_refused(config: dict[str, Any]) -> None:
    """Channel and message are required."""
    result = await run(config)

    assert result.config_error is not None
