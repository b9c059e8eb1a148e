"""mail_it: a merged mail through the first connected provider."""

from __future__ import annotations

import json
import smtplib
import socket
import threading
from typing import Any, Self
from urllib.parse import parse_qs

import pytest

from helpers.errors import ServiceAuthRequired, TargetRefused
from helpers.services import smtp as smtp_service
from helpers.testing import run_helper

CONTACT = {"id": "c1", "first_name": "Ann <b>", "email": "ann@example.com", "custom_fields": {"other": "x@example.net"}}
CONFIG = {
    "subject_template": "Hi {{first_name}}",
    "body_template": "<p>{{first_name}}</p>",
    "from_name": "Acme",
    "from_email": "hello@acme.com",
}


async def run(config: dict[str, Any] | None = None, *replies: Any, **options: Any) -> Any:
    http = [{"match": {}, "reply": reply} for reply in replies]
    options.setdefault("ids", {"execution_id": "exec:1", "helper_id": "h1", "account_id": "acc"})
    return await run_helper("mail_it", {**CONFIG, **(config or {})}, crm={"contact": CONTACT}, http=http, **options)


async def test_the_platform_mailer_sends_when_nothing_is_connected() -> None:
    """Merged values are escaped in the HTML body and not in the subject."""
    result = await run({"reply_to": "r@acme.com"})

    (sent,) = result.mails
    assert (sent.to, sent.subject, sent.html) == ("ann@example.com", "Hi Ann <b>", "<p>Ann &lt;b&gt;</p>")
    assert result.output.modified_data == {
        "to": "ann@example.com",
        "subject": "Hi Ann <b>",
        "body": "<p>Ann &lt;b&gt;</p>",
        "from_name": "Acme",
        "from_email": "hello@acme.com",
        "content_type": "text/html",
        "contact_id": "c1",
        "account_id": "acc",
        "helper_id": "h1",
        "reply_to": "r@acme.com",
        "message_id": result.output.modified_data["message_id"],
        "provider": "ses",
    }
    (action,) = result.output.actions
    assert (action.type, action.target) == ("email_sent", "ann@example.com")
    assert action.value == result.output.modified_data["message_id"] != ""


async def test_plain_text_is_not_escaped() -> None:
    """And goes out as text."""
    result = await run({"content_type": "text/plain"})

    assert result.mails[0].text == "<p>Ann <b></p>"
    assert result.mails[0].html is None


async def test_line_breaks_never_reach_a_header() -> None:
    """Each run of them becomes one blank."""
    result = await run({"subject_template": "a\r\n\nBcc: x", "from_name": "A\nB", "reply_to": "r@acme.com\r\nX: y"})

    sent = result.mails[0]
    assert (sent.subject, sent.from_name, sent.reply_to) == ("a Bcc: x", "A B", "r@acme.com X: y")


async def test_the_recipient_comes_from_a_field() -> None:
    """Empty: permanent failure, nothing sent. Keys are case-sensitive, and the loaded contact answers."""
    named = await run({"to_field": "other"})
    empty = await run({"to_field": "nobody"})
    other_case = await run({"to_field": "EMAIL"})

    assert named.mails[0].to == "x@example.net"
    assert empty.error is not None
    assert not empty.error.retryable
    assert empty.mails == []
    assert other_case.error is not None


async def test_sendgrid() -> None:
    """The documented request; the message id is in a header."""
    result = await run(
        {"reply_to": "r@acme.com"},
        {"status": 202, "headers": {"X-Message-Id": "m1"}},
        service_auths={"sendgrid": {"api_key": "SG.key"}},
    )

    request = result.requests[0]
    assert str(request.url) == "https://api.sendgrid.com/v3/mail/send"
    assert request.headers["authorization"] == "Bearer SG.key"
    assert request.headers["idempotency-key"] == "exec:1"
    assert json.loads(request.content) == {
        "personalizations": [{"to": [{"email": "ann@example.com"}], "custom_args": {"execution_id": "exec:1"}}],
        "from": {"email": "hello@acme.com", "name": "Acme"},
        "reply_to": {"email": "r@acme.com"},
        "subject": "Hi Ann <b>",
        "content": [{"type": "text/html", "value": "<p>Ann &lt;b&gt;</p>"}],
    }
    assert (result.output.modified_data["provider"], result.output.modified_data["message_id"]) == ("sendgrid", "m1")
    assert "SG.key" not in str(result.output)


async def test_mailgun() -> None:
    """A form, Basic api:key, the domain in the path."""
    result = await run(
        {"content_type": "text/plain", "reply_to": "r@acme.com"},
        {"status": 200, "json": {"id": "<m2>"}},
        service_auths={"mailgun": {"api_key": "key-1", "account_id": "mg.acme.com", "base_url": "https://eu.example/"}},
    )

    request = result.requests[0]
    assert str(request.url) == "https://eu.example/v3/mg.acme.com/messages"
    assert request.headers["authorization"] == "Basic YXBpOmtleS0x"
    form = parse_qs(request.content.decode())
    assert form == {
        "from": ["Acme <hello@acme.com>"],
        "to": ["ann@example.com"],
        "subject": ["Hi Ann <b>"],
        "text": ["<p>Ann <b></p>"],
        "h:Reply-To": ["r@acme.com"],
    }
    assert result.output.modified_data["message_id"] == "<m2>"


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (413, False), (429, True), (500, True)])
async def test_provider_failures(status: int, retryable: bool) -> None:
    """429 and 5xx pass, other refusals do not; nothing is recorded as sent."""
    auths = {"sendgrid": {"api_key": "SG.key"}}
    failed = await run({}, {"status": status}, service_auths=auths)
    again = await run({}, {"status": 202}, service_auths=auths, state=failed.state)

    assert failed.error.retryable is retryable
    assert again.output.success


@pytest.mark.parametrize("auth", [{"base_url": "https://x.example"}, {"access_token": "x"}])
async def test_a_connection_without_its_credential_is_a_permanent_failure(auth: dict[str, str]) -> None:
    """The first connected provider is not silently passed over."""
    result = await run({}, service_auths={"sendgrid": auth})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize("slug", ["sendgrid", "mailgun", "smtp"])
async def test_a_provider_that_the_config_names_has_to_be_usable(slug: str) -> None:
    """No other provider sends instead when its connection is gone."""
    result = await run({"service_connection_ids": {slug: "connection:1"}})

    assert result.error is not None
    assert not result.error.retryable
    assert result.mails == []


class SmtpDouble:
    """CheckedSmtp as far as it is used."""

    failure: Exception | None = None
    log: list[Any] = []  # noqa: RUF012 - reset by the fixture

    def __init__(self, addresses: list[str], host: str, port: int, **_options: Any) -> None:
        assert addresses == ["93.184.215.14"]
        self.log.append((type(self).__name__, host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.log.append("quit")

    def starttls(self, **_options: Any) -> None:
        self.log.append("starttls")

    def login(self, user: str, password: str) -> None:
        self.log.append(("login", user, password))

    def send_message(self, message: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.log.append(message)


class SmtpSslDouble(SmtpDouble):
    """CheckedSmtpSsl."""


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> type[SmtpDouble]:
    SmtpDouble.log, SmtpDouble.failure = [], None
    monkeypatch.setattr(smtp_service, "CheckedSmtp", SmtpDouble)
    monkeypatch.setattr(smtp_service, "CheckedSmtpSsl", SmtpSslDouble)
    return SmtpDouble


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("smtp://mail.acme.com:2525", ("SmtpDouble", "mail.acme.com", 2525)),
        ("smtp://mail.acme.com", ("SmtpDouble", "mail.acme.com", 587)),
        ("smtps://mail.acme.com", ("SmtpSslDouble", "mail.acme.com", 465)),
    ],
)
async def test_smtp(smtp: type[SmtpDouble], url: str, opened: tuple[str, str, int]) -> None:
    """STARTTLS on smtp, TLS on smtps, then login and the message."""
    result = await run({}, service_auths={"smtp": {"base_url": url, "api_key": "u", "api_secret": "p"}})

    assert smtp.log[0] == opened
    assert ("starttls" in smtp.log) is url.startswith("smtp://")
    assert ("login", "u", "p") in smtp.log
    message = next(entry for entry in smtp.log if hasattr(entry, "get_content"))
    assert (message["To"], message["Subject"]) == ("ann@example.com", "Hi Ann <b>")
    assert message.get_content_type() == "text/html"
    assert result.output.modified_data["provider"] == "smtp"
    assert result.output.modified_data["message_id"] == message["Message-ID"]


async def test_an_smtp_server_inside_our_network_is_not_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant writes the server's name: the egress rule holds as it does for HTTP."""
    monkeypatch.setattr(smtp_service, "TIMEOUT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"smtp://127.0.0.1:{server.getsockname()[1]}"

        result = await run({}, service_auths={"smtp": {"base_url": url, "api_key": "u", "api_secret": "p"}})

        assert isinstance(result.error, TargetRefused)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("client", [smtp_service.CheckedSmtp, smtp_service.CheckedSmtpSsl])
def test_smtp_connects_to_the_checked_address(client: type[smtp_service.CheckedSmtp]) -> None:
    """Whatever the name resolves to by then; the first address that answers is taken."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.2", 0)) as closed:
        port = server.getsockname()[1]
        closed.close()
        answering = threading.Thread(target=lambda: server.accept()[0].close())
        answering.start()

        # It hung up before the greeting, and before a TLS handshake.
        with pytest.raises(OSError, match=r"closed|EOF|reset|Connection"):
            client(["127.0.0.2", "127.0.0.1"], "mail.acme.invalid", port, timeout=5)
        answering.join()


@pytest.mark.parametrize("url", ["mail.acme.com", "http://mail.acme.com", "smtp://", "smtp://mail.acme.com:99999"])
async def test_an_smtp_server_that_is_no_smtp_url_is_a_matter_of_the_connection(url: str) -> None:
    """The refusal shows how it is written."""
    result = await run({}, service_auths={"smtp": {"base_url": url, "api_key": "u"}})

    assert isinstance(result.error, ServiceAuthRequired)
    assert "smtp://host:587" in str(result.error)


@pytest.mark.parametrize(
    ("failure", "retryable"),
    [
        (smtplib.SMTPRecipientsRefused({"a": (550, b"no")}), False),
        (smtplib.SMTPRecipientsRefused({"a": (450, b"later")}), True),
        (smtplib.SMTPDataError(552, b"too large"), False),
        (smtplib.SMTPDataError(451, b"later"), True),
        (smtplib.SMTPServerDisconnected("gone"), True),
        (ConnectionRefusedError(), True),
    ],
)
async def test_smtp_failures(smtp: type[SmtpDouble], failure: Exception, retryable: bool) -> None:
    """5xx is permanent, 4xx and a broken connection are not."""
    smtp.failure = failure
    result = await run({}, service_auths={"smtp": {"base_url": "smtp://mail.acme.com", "api_key": "u"}})

    assert result.error.retryable is retryable


async def test_a_redelivered_execution_mails_once() -> None:
    """The recorded message id is reported."""
    first = await run()
    again = await run(state=first.state)

    assert (len(first.mails), len(again.mails)) == (1, 0)
    assert again.output.modified_data == first.output.modified_data


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"subject_template": ""}, "subject_template"),
        ({"body_template": " "}, "body_template"),
        ({"from_name": None}, "from_name"),
        ({"from_email": "acme"}, "from_email"),
        ({"content_type": "text/markdown"}, "content_type"),
    ],
)
async def test_a_bad_config_is_refused(change: dict[str, Any], named: str) -> None:
    """The refusal names the key."""
    result = await run(change)

    assert result.config_error is not None
    assert named in str(result.config_error)


@pytest.mark.parametrize(("connections", "valid"), [("", True), (None, True), ({"smtp": ""}, True), ("x", False)])
async def test_connections_that_were_not_filled_in_are_absent(connections: Any, valid: bool) -> None:
    """The platform mailer sends then."""
    assert ((await run({"service_connection_ids": connections})).config_error is None) is valid
