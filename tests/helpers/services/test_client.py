"""The rules that hold for every third-party call: spec integration C2, C3, C4, C5, C12.

gotowebinar and dropbox_it stand for all: they need one call and a token that can be renewed.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

import pytest

from helpers.errors import PermanentFailure, ServiceAuthRequired, StateConflict, TransientFailure
from helpers.ports import ServiceAuth
from helpers.testing import HelperRun, run_helper
from helpers.testing.ports import FakeServiceAuths

CONTACT = {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
CRM = {"contact": CONTACT, "tags": [{"id": "77", "name": "Done"}]}
UPLOADED = {"status": 200, "json": {"id": "id:1"}}
API = {"url_contains": "dropboxapi.com/2/files/upload"}
TOKENS = {"url_contains": "/token"}


async def upload(*replies: Any, auth: dict[str, str] | None = None, **options: Any) -> HelperRun:
    """dropbox_it; the replies are those of the upload unless a reply is a whole http entry."""
    http = [reply if "match" in reply else {"match": API, "reply": reply} for reply in replies]
    config = {"file_path": "/a.txt", "content_template": "x", "apply_tag": "77"}
    auths = {"dropbox": {"access_token": "old-token", **(auth or {})}}
    return await run_helper("dropbox_it", config, crm=CRM, http=http, service_auths=auths, **options)


def error_of(run: HelperRun) -> Any:
    assert run.output is None
    assert run.crm.tags_of("c1") == set()
    return run.error


@pytest.mark.parametrize("failure", ["timeout", "connect", "connect_timeout", "read", "protocol"])
async def test_a_call_without_an_answer_is_tried_again(failure: str) -> None:
    """Connect errors, timeouts and broken answers pass."""
    error = error_of(await upload({"error": failure}))

    assert isinstance(error, TransientFailure)
    assert error.retryable


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 520])
async def test_a_busy_service_is_tried_again(status: int) -> None:
    """One request per attempt: the worker has the backoff."""
    run = await upload({"status": status})

    assert error_of(run).retryable
    assert len(run.requests) == 1
    assert run.clock.slept == []


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 410, 422, 301, 302, 307])
async def test_a_refusal_is_final(status: int) -> None:
    """Other 4xx and every redirect, which is not followed."""
    run = await upload({"status": status, "headers": {"Location": "https://elsewhere.example/"}})

    assert not error_of(run).retryable
    assert len(run.requests) == 1


@pytest.mark.parametrize(
    ("retry_after", "retryable", "seconds"),
    [
        ("7", True, 7.0),
        ("Thu, 15 Jan 2026 10:01:30 GMT", True, 90.0),
        ("900", True, 900.0),
        ("901", False, None),
        ("Fri, 16 Jan 2026 10:00:00 GMT", False, None),
        ("soon", True, None),
    ],
)
async def test_retry_after_is_passed_on(retry_after: str, retryable: bool, seconds: float | None) -> None:
    """Seconds or an HTTP date; beyond 900 s it is a daily quota."""
    run = await upload(
        {"status": 429, "headers": {"Retry-After": retry_after}}, now="2026-01-15T10:00:00Z"
    )  # fmt: skip
    error = error_of(run)

    assert (error.retryable, error.retry_after) == (retryable, seconds)


@pytest.mark.parametrize("reply", [{"status": 200, "text": "<html>"}, {"status": 200, "json": ["a"]}, {"status": 204}])
async def test_a_success_that_is_no_json_object_is_final(reply: dict[str, Any]) -> None:
    """It may have been done, and nobody knows."""
    assert not error_of(await upload(reply)).retryable


@pytest.mark.parametrize("auths", [{}, {"dropbox": {}}, {"dropbox": {"api_key": "k", "refresh_token": "r"}}])
async def test_a_missing_credential_sends_nothing(auths: dict[str, Any]) -> None:
    """No request and no CRM write."""
    config = {"file_path": "/a.txt", "content_template": "x", "apply_tag": "77"}
    run = await run_helper("dropbox_it", config, crm=CRM, service_auths=auths)

    assert isinstance(error_of(run), ServiceAuthRequired)
    assert run.requests == []


async def test_the_base_url_of_the_connection_replaces_the_default() -> None:
    """A trailing slash makes no difference."""
    entry = {"match": {"url_contains": "http://127.0.0.1:9/emulator/files/upload"}, "reply": UPLOADED}
    run = await upload(entry, auth={"base_url": "http://127.0.0.1:9/emulator/"})

    assert run.output is not None
    assert str(run.requests[0].url) == "http://127.0.0.1:9/emulator/files/upload"


@pytest.mark.parametrize("base_url", ["ftp://files.example", "not a url", "http://[::1"])
async def test_a_base_url_that_cannot_be_requested_is_final(base_url: str) -> None:
    """A repetition would fail the same way."""
    assert not error_of(await upload(auth={"base_url": base_url})).retryable


async def test_requests_carry_the_execution() -> None:
    """So a receiver can tell a repetition."""
    run = await upload(UPLOADED, ids={"execution_id": "exec:1"})
    headers = run.requests[0].headers

    assert headers["Idempotency-Key"] == "exec:1"
    assert headers["X-Execution-Id"] == "exec:1"
    assert headers["User-Agent"] == "MyFusionHelper/1.0"
    assert headers["Authorization"] == "Bearer old-token"


async def test_error_texts_hold_no_credentials_and_at_most_500_characters_of_the_body() -> None:
    """The remote body may echo what we sent."""
    run = await upload({"status": 403, "text": "Bearer old-token refused " + "x" * 2000})
    message = str(error_of(run))

    assert "old-token" not in message
    assert message.count("x") <= 500


# renewal ------------------------------------------------------------------------------------------------------
async def test_a_401_renews_the_token_once_and_repeats_the_call() -> None:
    """The new tokens are stored."""
    run = await upload(
        {"status": 401},
        {"match": TOKENS, "reply": {"status": 200, "json": {"access_token": "new-token", "refresh_token": "r2"}}},
        UPLOADED,
        auth={"refresh_token": "r1", "base_url": "https://content.dropboxapi.com/2"},
        settings={"oauth_clients": {"dropbox": {"client_id": "cid", "client_secret": "sec"}}},
    )
    assert run.output is not None
    assert run.output.success
    first, renewal, second = run.requests
    assert first.headers["Authorization"] == "Bearer old-token"
    assert parse_qs(renewal.content.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r1"],
        "client_id": ["cid"],
        "client_secret": ["sec"],
    }
    assert second.headers["Authorization"] == "Bearer new-token"
    stored = run.service_auths["dropbox"]
    assert (stored.access_token, stored.refresh_token) == ("new-token", "r2")
    assert stored.base_url == "https://content.dropboxapi.com/2"


async def test_a_second_401_is_final() -> None:
    """The new token is kept all the same."""
    run = await upload(
        {"status": 401},
        {"match": TOKENS, "reply": {"status": 200, "json": {"access_token": "new-token"}}},
        auth={"refresh_token": "r1"},
    )

    assert isinstance(error_of(run), ServiceAuthRequired)
    assert len(run.requests) == 3
    assert run.service_auths["dropbox"].access_token == "new-token"
    assert run.service_auths["dropbox"].refresh_token == "r1"


async def test_a_401_without_anything_to_renew_with_is_final() -> None:
    """It asks the user to connect again."""
    run = await upload({"status": 401})

    assert isinstance(error_of(run), ServiceAuthRequired)
    assert "connect" in str(run.error)
    assert len(run.requests) == 1


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 400, "json": {"error": "invalid_grant", "error_description": "r1 and sec"}}, False),
        ({"status": 401}, False),
        ({"status": 200, "json": {"token_type": "bearer"}}, False),
        ({"status": 200, "text": "ok"}, False),
        ({"status": 503}, True),
        ({"status": 429, "headers": {"Retry-After": "5"}}, True),
        ({"error": "timeout"}, True),
    ],
)
async def test_a_renewal_that_fails_decides_the_outcome(reply: dict[str, Any], retryable: bool) -> None:
    """A dead refresh token is final, a provider that is down is not."""
    run = await upload(
        {"status": 401},
        {"match": TOKENS, "reply": reply},
        auth={"refresh_token": "r1-secret"},
        settings={"oauth_clients": {"dropbox": {"client_id": "cid", "client_secret": "sec-secret"}}},
    )
    error = error_of(run)

    assert error.retryable is retryable
    assert isinstance(error, PermanentFailure) is not retryable
    assert "r1-secret" not in str(error)
    assert run.service_auths["dropbox"].access_token == "old-token"


GOTO = ("gotowebinar", "gotowebinar", {"organizer_key": "1", "webinar_key": "2"}, "registrants", {"registrantKey": 1})
ZOOM = ("zoom_meeting", "zoom", {"action": "register", "meeting_id": "2"}, "registrants", {"registrant_id": "r"})
SHEET = (
    "google_sheet_it", "google_sheets",
    {"spreadsheet_id": "s", "sheet_id": 0, "google_connection_id": "c"}, "batchUpdate", {},
)  # fmt: skip
CALENDLY = (
    "calendly_it", "calendly", {"event_type_uri": "u", "api_token": "personal"}, "scheduling_links",
    {"resource": {"booking_url": "https://calendly.com/d/1"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("service", "token_url", "basic"),
    [
        (GOTO, "https://authentication.logmeininc.com/oauth/token", True),
        (ZOOM, "https://zoom.us/oauth/token", True),
        (SHEET, "https://oauth2.googleapis.com/token", False),
        (CALENDLY, "https://auth.calendly.com/oauth/token", True),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_each_service_renews_at_its_own_endpoint(service: Any, token_url: str, basic: bool) -> None:
    """The client goes into Basic auth or into the form."""
    helper_type, slug, config, part, answer = service
    run = await run_helper(
        helper_type,
        config,
        crm=CRM,
        http=[
            {"match": {"url_contains": part}, "reply": {"status": 401}},
            {"match": {"method": "POST", "url_contains": token_url}, "reply": {"json": {"access_token": "new"}}},
            {"match": {"url_contains": part}, "reply": {"status": 201, "json": answer}},
        ],
        service_auths={slug: {"access_token": "old", "refresh_token": "r1"}},
        settings={"oauth_clients": {slug: {"client_id": "cid", "client_secret": "sec"}}},
    )

    assert run.error is None
    renewal = run.requests[1]
    form = parse_qs(renewal.content.decode())
    assert str(renewal.url) == token_url
    assert form["refresh_token"] == ["r1"]
    assert ("client_id" in form) is not basic
    expected = "Basic " + base64.b64encode(b"cid:sec").decode() if basic else None
    assert renewal.headers.get("Authorization") == expected
    assert run.requests[2].headers["Authorization"] == "Bearer new"


@pytest.mark.parametrize("stored_token", ["", "expired"])
async def test_a_zoom_server_to_server_app_fetches_its_tokens(stored_token: str) -> None:
    """Its token lives an hour, and there is no refresh token."""
    rejected = [{"match": {"url_contains": "registrants"}, "reply": {"status": 401}}] if stored_token else []
    run = await run_helper(
        "zoom_meeting",
        {"action": "register", "meeting_id": "2"},
        crm=CRM,
        http=[
            *rejected,
            {"match": {"url_contains": "https://zoom.us/oauth/token"}, "reply": {"json": {"access_token": "new"}}},
            {"match": {"url_contains": "registrants"}, "reply": {"status": 201, "json": {"registrant_id": "r"}}},
        ],
        service_auths={
            "zoom": {"access_token": stored_token, "api_key": "id", "api_secret": "secret", "account_id": "acc"}
        },
    )

    assert run.error is None
    renewal = run.requests[-2]
    assert parse_qs(renewal.content.decode()) == {"grant_type": ["account_credentials"], "account_id": ["acc"]}
    assert renewal.headers["Authorization"] == "Basic " + base64.b64encode(b"id:secret").decode()
    assert run.requests[-1].headers["Authorization"] == "Bearer new"
    assert run.service_auths["zoom"].access_token == "new"


async def test_google_renews_first_when_no_access_token_is_stored() -> None:
    """The platform may have kept the refresh token only; a 401 after that is final."""
    helper_type, slug, config, part, _ = SHEET
    run = await run_helper(
        helper_type,
        config,
        crm=CRM,
        http=[
            {"match": TOKENS, "reply": {"json": {"access_token": "new"}}},
            {"match": {"url_contains": part}, "reply": {"status": 401}},
        ],
        service_auths={slug: {"refresh_token": "r1"}},
    )

    assert isinstance(run.error, ServiceAuthRequired)
    assert [request.url.host for request in run.requests] == ["oauth2.googleapis.com", "sheets.googleapis.com"]


@pytest.mark.parametrize("answer", [{"error": "quota"}, {"ok": False}, {"status": "error", "message": "no"}])
async def test_a_2xx_that_says_failure_is_final(answer: dict[str, Any]) -> None:
    """No file id is invented."""
    assert not error_of(await upload({"status": 200, "json": answer})).retryable


async def test_tokens_that_another_run_renewed_meanwhile_are_loaded_by_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store keeps the newer ones."""

    async def refuse(self: FakeServiceAuths, slug: str, auth: ServiceAuth) -> None:
        raise StateConflict

    monkeypatch.setattr(FakeServiceAuths, "store", refuse)
    run = await upload(
        {"status": 401},
        {"match": TOKENS, "reply": {"status": 200, "json": {"access_token": "new-token"}}},
        auth={"refresh_token": "r1"},
    )

    assert error_of(run).retryable
    assert len(run.requests) == 2
