"""email_validate_it: valid or invalid, and never a verdict from an outage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.errors import TransientFailure
from helpers.testing import HelperRun, run_helper
from helpers.testing.ports import FakeResolver

K13 = {"klean13": {"api_key": "k13key"}}


async def run(config: dict[str, Any] | None = None, email: Any = "ann@x.de", **options: Any) -> HelperRun:
    options.setdefault("crm", {"contact": {"id": "c1", "email": email}})
    stored = {"result_field": "Status", "valid_goal": "good", "invalid_goal": "bad", **(config or {})}
    return await run_helper("email_validate_it", stored, **options)


def klean13(**answer: Any) -> list[dict[str, Any]]:
    return [{"match": {"method": "POST"}, "reply": {"status": 200, "json": answer}}]


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"result_field": ""}, False),
        ({"validation_provider": "other"}, False),
        ({"validation_provider": "", "email_field": "", "check_mx": "false", "cache_results": None}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """The result needs a field."""
    assert ((await run(config)).config_error is None) is valid


@pytest.mark.parametrize(
    "email",
    [
        "test@example.com", "user.name@example.com", "user+tag@example.co.uk", "user_name@sub.example.com",
        "123@example.com", " padded@example.com ", "a%b@x-y.de", "a@bücher.de", "a@xn--bcher-kva.xn--p1ai",
        "a" * 64 + "@x.de",
    ],
)  # fmt: skip
async def test_valid_formats(email: str) -> None:
    """Result field, then goal."""
    result = await run({"check_mx": False}, email)

    assert result.output is not None
    assert result.output.modified_data == {
        "status": "valid", "Status": "valid", "email": email.strip(), "check_mx": False
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("field_updated", "Status", "valid"), ("goal_achieved", "c1", "good")
    ]  # fmt: skip


@pytest.mark.parametrize("provider", ["basic", "klean13"])
@pytest.mark.parametrize(
    "email",
    [
        "notanemail", "@example.com", "user@", "user name@example.com", "user@example", "a..b@example.com",
        ".a@x.de", "a.@x.de", "a@.x.de", "a@x.de.", "a@x..de", "a@-x.de", "a@x-.de", "a@x.d", "a@x.12", "a@b@x.de",
        "ä@x.de", "a" * 65 + "@x.de", "a@" + "b" * 60 + "." + ("c" * 60 + ".") * 4 + "de", "a@x.de\nb",
    ],
)  # fmt: skip
async def test_invalid_formats(email: str, provider: str) -> None:
    """For both providers; Klean13 is then not called."""
    result = await run({"validation_provider": provider}, email)

    assert result.requests == []
    assert result.output is not None
    assert result.output.modified_data == {
        "status": "invalid", "reason": "format", "Status": "invalid", "email": email
    }  # fmt: skip
    assert [(a.type, a.value) for a in result.output.actions] == [
        ("field_updated", "invalid"),
        ("goal_achieved", "bad"),
    ]


@pytest.mark.parametrize("email", [None, "", "  "])
async def test_an_empty_field(email: Any) -> None:
    """Invalid without goal."""
    result = await run({}, email)

    assert result.output is not None
    assert result.output.modified_data == {"status": "invalid", "reason": "empty", "Status": "invalid"}
    assert [a.type for a in result.output.actions] == ["field_updated"]


@pytest.mark.parametrize(
    ("mx", "addresses", "status"),
    [
        (["mx.x.de"], [], "valid"),
        (["."], ["1.1.1.1"], "invalid"),
        ([], ["1.1.1.1"], "valid"),
        ([], [], "invalid"),
    ],
)
async def test_mx(monkeypatch: pytest.MonkeyPatch, mx: list[str], addresses: list[str], status: str) -> None:
    """A domain without MX receives at its address; a null MX receives nothing."""

    async def exchangers(self: object, domain: str) -> list[str]:
        assert domain == "xn--bcher-kva.de"
        return mx

    async def hosts(self: object, host: str) -> list[str]:
        return addresses

    monkeypatch.setattr(FakeResolver, "mail_exchangers", exchangers)
    monkeypatch.setattr(FakeResolver, "addresses", hosts)
    result = await run({}, "a@bücher.de")

    assert result.output is not None
    assert result.output.modified_data["status"] == status
    assert result.output.modified_data.get("reason") == (None if status == "valid" else "no_mx_records")


async def test_an_outage_of_dns_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retryable, nothing written."""

    async def servfail(self: object, domain: str) -> list[str]:
        raise TransientFailure("SERVFAIL")

    monkeypatch.setattr(FakeResolver, "mail_exchangers", servfail)
    result = await run()

    assert result.error is not None
    assert result.error.retryable
    assert result.crm.field("c1", "Status") is None


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"deliverable": True, "result": "valid", "reason": "ok"}, "valid"),
        ({"deliverable": True, "result": "risky", "reason": "catch-all"}, "invalid"),
        ({"deliverable": False, "result": "valid", "reason": "x"}, "invalid"),
        ({"deliverable": "true", "result": "valid", "reason": "x"}, "invalid"),
    ],
)
async def test_klean13(answer: dict[str, Any], status: str) -> None:
    """Deliverable and valid, both."""
    result = await run({"validation_provider": "klean13"}, http=klean13(email="ann@x.de", **answer), service_auths=K13)

    (request,) = result.requests
    assert str(request.url) == "https://app.klean13.com/api/validate-one"
    assert request.headers["Authorization"] == "Bearer k13key"
    assert json.loads(request.content) == {"email": "ann@x.de"}
    assert result.output is not None
    assert result.output.modified_data == {
        "status": status, "Status": status, "email": "ann@x.de", "reason": answer["reason"],
        "deliverable": answer["deliverable"] is True, "cache_hit": False,
    }  # fmt: skip


async def test_answers_are_cached_for_three_days() -> None:
    """Per account and address in lower case."""
    config, http = {"validation_provider": "klean13"}, klean13(deliverable=True, result="valid", reason="ok")
    options: dict[str, Any] = {"http": http, "service_auths": K13}
    first = await run(config, now="2026-03-01T00:00:00Z", **options)
    hit = await run(config, "ANN@x.de", now="2026-03-03T23:00:00Z", state=first.state, **options)
    miss = await run(config, now="2026-03-04T00:00:01Z", state=first.state, **options)
    off = await run({**config, "cache_results": False}, now="2026-03-02T00:00:00Z", state=first.state, **options)

    assert hit.output is not None
    assert hit.output.modified_data["cache_hit"] is True
    assert hit.output.modified_data["status"] == "valid"
    assert hit.requests == []
    assert len(miss.requests) == 1
    assert len(off.requests) == 1


async def test_a_look_up_that_was_paid_for_is_counted_once() -> None:
    """Per account and month; an answer out of the cache and a failed call are not."""
    config, key = {"validation_provider": "klean13"}, "usage:acc:klean13:2026-03"
    options: dict[str, Any] = {"service_auths": K13, "ids": {"account_id": "acc"}, "now": "2026-03-01T00:00:00Z"}
    failed = await run(config, http=[{"match": {}, "reply": {"status": 500}}], **options)
    paid = await run(config, http=klean13(deliverable=True, result="valid"), state=failed.state, **options)
    cached = await run(config, state=paid.state, **options)

    assert cached.output is not None
    assert await cached.state.increment(key, 0) == 1


async def test_the_platform_key_stands_in() -> None:
    """Without any key nothing is sent and nothing written."""
    config, http = {"validation_provider": "klean13"}, klean13(deliverable=True, result="valid")
    platform = await run(config, http=http, settings={"klean13_api_key": "platform"})
    none = await run(config, http=http)

    assert platform.requests[0].headers["Authorization"] == "Bearer platform"
    assert none.error is not None
    assert not none.error.retryable
    assert none.requests == []


@pytest.mark.parametrize(("status", "retryable"), [(402, False), (400, False), (429, True), (500, True)])
async def test_klean13_failures(status: int, retryable: bool) -> None:
    """Nothing is written to the contact."""
    http = [{"match": {}, "reply": {"status": status}}]
    result = await run({"validation_provider": "klean13"}, http=http, service_auths=K13)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.field("c1", "Status") is None


@pytest.mark.parametrize(
    ("fail", "succeeds"),
    [({"achieve_goal": True}, True), ({"set_field_value": True}, False), ({"get_field_value": ["Email"]}, False)],
)
async def test_crm_failures(fail: dict[str, Any], succeeds: bool) -> None:
    """The goal is a post-step; the write is the purpose; a read error is no empty field."""
    result = await run({"check_mx": False}, crm={"contact": {"id": "c1", "email": "ann@x.de"}, "fail": fail})

    assert (result.output is not None) is succeeds
