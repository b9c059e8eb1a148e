"""slack_it: a merged message to an incoming webhook."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import run_helper

HOOK = "https://hooks.slack.com/services/T000/B000/SECRETSECRET"
CONTACT = {
    "id": "c1",
    "first_name": "Ann",
    "company": "A & <B>",
    "email": "ann@example.com",
    "custom_fields": {"CompanySize": "12"},
}


async def run(message: str, reply: Any = None, **options: Any) -> Any:
    config = {"webhook": HOOK, "message": message, "username": "bot", **options.pop("config", {})}
    http = [{"match": {"method": "POST"}, "reply": reply or {"status": 200, "text": "ok"}}]
    return await run_helper("slack_it", config, crm={"contact": CONTACT}, http=http, **options)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Hi {{first_name}}", "Hi Ann"),
        ("Hi @FirstName!", "Hi Ann!"),
        ("@CompanySize people", "12 people"),
        ("@Company", "A &amp; &lt;B&gt;"),
        ("sales@Company.com", "sales@Company.com"),
        ("@Companyx and @nobody", "@Companyx and @nobody"),
        ("<{{company}}>", "<A &amp; &lt;B&gt;>"),
        ("{{nobody}}", "{{nobody}}"),
    ],
)
async def test_merge_fields_of_both_kinds(message: str, text: str) -> None:
    """Values are escaped for Slack, the template is not; addresses and unknown keys stay."""
    result = await run(message)

    assert json.loads(result.requests[0].content) == {"text": text, "username": "bot"}
    assert result.output.modified_data["message"] == text


async def test_the_webhook_is_a_credential() -> None:
    """Nothing of its path is in the output."""
    result = await run("x", config={"channel": "#sales", "icon_emoji": ":bell:"}, ids={"execution_id": "exec:1"})

    payload = {"text": "x", "username": "bot", "channel": "#sales", "icon_emoji": ":bell:"}
    assert result.output.modified_data == {
        "webhook": "https://hooks.slack.com/***",
        "message": "x",
        "username": "bot",
        "channel": "#sales",
        "payload": payload,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("slack_message_sent", "#sales", "200")]
    assert "SECRETSECRET" not in str(result.output)
    assert result.requests[0].headers["idempotency-key"] == "exec:1"


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (403, False), (404, False), (410, False), (429, True), (500, True)]
)
async def test_refusals_are_permanent_and_outages_are_not(status: int, retryable: bool) -> None:
    """The error does not quote the webhook."""
    result = await run("x", {"status": status, "text": f"no_service {HOOK}"})

    assert result.error.retryable is retryable
    assert "SECRETSECRET" not in str(result.error)


@pytest.mark.parametrize("answer", [{"ok": False}, {"error": "no_text"}])
async def test_a_200_that_says_failure_is_final(answer: dict[str, Any]) -> None:
    """Gateways answer so."""
    result = await run("x", {"status": 200, "json": answer})

    assert result.error is not None
    assert not result.error.retryable


@pytest.mark.parametrize("webhook", ["http://127.0.0.1/x", "https://localhost/x", "ftp://a.example/x", "no url"])
async def test_a_private_target_gets_nothing(webhook: str) -> None:
    """Permanent, no request."""
    result = await run("x", config={"webhook": webhook})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_the_base_url_of_the_connection_replaces_the_host() -> None:
    """For tests and gateways; the path stays."""
    result = await run("x", service_auths={"slack": {"base_url": "https://slack.test.example"}})

    assert str(result.requests[0].url) == "https://slack.test.example/services/T000/B000/SECRETSECRET"


@pytest.mark.parametrize("key", ["webhook", "message", "username"])
async def test_required_keys(key: str) -> None:
    """Blank is refused."""
    result = await run("x", config={key: " "})

    assert result.config_error is not None
    assert key in str(result.config_error)
