"""twilio_sms: a merged SMS."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from helpers.testing import HelperRun, run_helper

CONFIG = {"account_sid": "AC1", "auth_token": "s3cret", "from_number": "+1555", "message_template": "Hi {{first_name}}"}
CRM = {
    "contact": {"id": "c1", "first_name": "Ann & Co", "phone": "+1 (555) 12.3-4", "custom_fields": {"Mobile": "0171"}}
}
SENT = {"status": 201, "json": {"sid": "SM1", "status": "queued"}}


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", CRM)
    http = [{"match": {"method": "POST"}, "reply": reply or SENT}]
    return await run_helper("twilio_sms", {**CONFIG, **(config or {})}, http=http, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"account_sid": ""}, False),
        ({"auth_token": None}, False),
        ({"account_sid": "", "auth_token": "", "service_connection_ids": {"twilio": "conn"}}, True),
        ({"from_number": " "}, False),
        ({"message_template": ""}, False),
        ({"to_field": ""}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """Credentials, or a connection that has them."""
    assert ((await run(config)).config_error is None) is valid


async def test_the_message_and_what_it_reports() -> None:
    """The number is cleaned, nothing is added; the token is nowhere."""
    result = await run(ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Authorization"] == "Basic QUMxOnMzY3JldA=="
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert parse_qs(request.content.decode()) == {"To": ["+15551234"], "Body": ["Hi Ann & Co"], "From": ["+1555"]}
    assert result.output is not None
    assert result.output.modified_data == {
        "from_number": "+1555", "to_number": "+15551234", "message": "Hi Ann & Co", "account_sid": "AC1",
        "api_url": "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
        "message_sid": "SM1", "status": "queued",
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("sms_sent", "+15551234", "SM1")]


async def test_a_messaging_service_replaces_the_sender() -> None:
    """Its SID starts with MG."""
    result = await run({"from_number": "MG99", "to_field": "Mobile"})

    assert parse_qs(result.requests[0].content.decode()) == {
        "To": ["0171"], "Body": ["Hi Ann & Co"], "MessagingServiceSid": ["MG99"]
    }  # fmt: skip


async def test_a_connection_wins() -> None:
    """With its base URL."""
    auth = {"twilio": {"api_key": "AC2", "api_secret": "t", "base_url": "https://twilio.example.com/v/"}}
    result = await run(service_auths=auth)

    assert str(result.requests[0].url) == "https://twilio.example.com/v/Accounts/AC2/Messages.json"
    assert result.output is not None
    assert result.output.modified_data["account_sid"] == "AC2"


@pytest.mark.parametrize(
    "config",
    [
        {"to_field": "Nothing"}, {"to_field": "Company"}, {"message_template": "{{Company}}"},
        {"message_template": "x" * 1601},
    ],
)  # fmt: skip
async def test_nothing_is_sent_without_recipient_or_with_a_bad_message(config: dict[str, Any]) -> None:
    """Final, no request."""
    result = await run(config)

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_the_longest_message_is_sent() -> None:
    """1600 characters."""
    assert (await run({"message_template": "x" * 1600})).output is not None


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 400, "json": {"code": 21211}}, False),
        ({"status": 400, "json": {"code": 21611}}, True),
        ({"status": 429, "json": {"code": 20429}}, True),
        ({"status": 401, "text": "s3cret"}, False),
        ({"status": 403}, False),
        ({"status": 404}, False),
        ({"status": 503}, True),
        ({"error": "timeout"}, True),
    ],
)
async def test_failures(reply: dict[str, Any], retryable: bool) -> None:
    """As the section lists them; the token is masked in the error."""
    result = await run(reply=reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert "s3cret" not in str(result.error)


async def test_a_redelivery_sends_nothing() -> None:
    """The step record of the execution."""
    ids = {"execution_id": "exec:1"}
    first = await run(ids=ids)
    second = await run(ids=ids, state=first.state)

    assert second.requests == []
    assert second.output is not None
    assert second.output.modified_data["message_sid"] == "SM1"
