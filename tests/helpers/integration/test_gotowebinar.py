"""gotowebinar: register the contact for a GoTo Webinar."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
TAGS = [{"id": "77", "name": "Registered"}]
CREATED = {"status": 201, "json": {"registrantKey": 42, "joinUrl": "https://join.example/42", "status": "APPROVED"}}
URL = "https://api.getgo.com/G2W/rest/v2/organizers/50%2F1/webinars/70/registrants"


async def run(
    reply: dict[str, Any] | None = None,
    *,
    contact: dict[str, Any] | None = None,
    auth: dict[str, str] | None = None,
    **options: Any,
) -> HelperRun:
    config = {"organizer_key": "50/1", "webinar_key": "70", "apply_tag": "77", **options.pop("config", {})}
    crm = {"contact": {**CONTACT, **(contact or {})}, "tags": TAGS, **options.pop("crm", {})}
    auths = {"gotowebinar": {"access_token": "token"} if auth is None else auth}
    http = [{"match": {"method": "POST"}, "reply": reply or CREATED}]
    return await run_helper("gotowebinar", config, crm=crm, http=http, service_auths=auths, **options)


async def test_a_registration_and_what_it_reports() -> None:
    """Path parts are percent-encoded; the token stays out of the output."""
    result = await run(ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == f"{URL}?resendConfirmation=false"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Idempotency-Key"] == "exec:1"
    registrant = {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com"}
    assert json.loads(request.content) == registrant
    assert result.output is not None
    assert result.output.modified_data == {
        "webinar_key": "70",
        "organizer_key": "50/1",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "full_name": "Ada Lovelace",
        "api_url": URL,
        "payload": registrant,
        "registrant_key": "42",
        "join_url": "https://join.example/42",
        "status": "APPROVED",
        "already_registered": False,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("webinar_registered", "70", "42"),
        ("tag_applied", "c1", "77"),
    ]
    assert "Bearer" not in result.output.model_dump_json()


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        ({"status": 409, "json": {"errorCode": "AlreadyRegistered", "registrantKey": 42}}, "42"),
        ({"status": 409, "json": {"errorCode": "AlreadyRegistered"}}, ""),
        ({"status": 409, "text": "conflict"}, ""),
    ],
)
async def test_a_contact_who_is_registered_already_is_tagged_too(reply: dict[str, Any], key: str) -> None:
    """409 is success."""
    result = await run(reply)

    assert result.output is not None
    assert result.output.modified_data["already_registered"] is True
    assert result.output.modified_data["registrant_key"] == key
    assert [action.type for action in result.output.actions] == ["webinar_registered", "tag_applied"]


async def test_blank_names_are_filled_in() -> None:
    """The API rejects them."""
    result = await run(contact={"first_name": None, "last_name": ""})

    assert json.loads(result.requests[0].content) == {"firstName": "ada", "lastName": "-", "email": "ada@example.com"}


async def test_the_api_key_stands_in_for_the_token() -> None:
    """Bearer as well."""
    result = await run(auth={"api_key": "direct"})

    assert result.requests[0].headers["Authorization"] == "Bearer direct"


@pytest.mark.parametrize(("contact", "auth"), [({"email": ""}, None), ({}, {})])
async def test_without_an_address_or_a_token_nothing_is_sent(contact: dict[str, Any], auth: Any) -> None:
    """Both are final."""
    result = await run(contact=contact, auth=auth)

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (404, False), (429, True), (500, True)])
async def test_without_a_registration_nobody_is_tagged(status: int, retryable: bool) -> None:
    """The earlier version tagged all the same."""
    result = await run({"status": status})

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.tags_of("c1") == set()


async def test_a_tag_that_fails_afterwards_is_logged() -> None:
    """The registration stands."""
    result = await run(crm={"fail": {"apply_tag": True}})

    assert result.output is not None
    assert result.output.success
    assert [action.type for action in result.output.actions] == ["webinar_registered"]


@pytest.mark.parametrize("config", [{"organizer_key": None}, {"webinar_key": " "}, {"webinar_key": 70}])
async def test_refused_configs(config: dict[str, Any]) -> None:
    """Both keys are required strings."""
    assert (await run(config=config)).config_error is not None
