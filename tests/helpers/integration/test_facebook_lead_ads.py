"""facebook_lead_ads: a lead becomes a contact."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

EXISTING = {"id": "c1", "email": "Ada@Example.com", "phone": "+9"}
TAGS = [{"id": "77", "name": "Lead"}]


def lead(*, is_list: bool = True, **answers: Any) -> dict[str, Any]:
    data = [{"name": name, "values": value if isinstance(value, list) else [value]} for name, value in answers.items()]
    return {"status": 200, "json": {"id": "900", "field_data": data if is_list else None}}


ADA = lead(email="ada@example.com", full_name="Ada de Lovelace", colours=["red", "blue"])


async def run(reply: Any = None, config: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", {"contact": EXISTING, "tags": TAGS})
    options.setdefault("input", {"lead_id": "900"})
    options.setdefault("service_auths", {"facebook": {"access_token": "token"}})
    options.setdefault("contact_id", "")
    return await run_helper(
        "facebook_lead_ads", config or {}, http=[{"match": {"method": "GET"}, "reply": reply or ADA}], **options
    )  # fmt: skip


async def test_a_lead_updates_the_contact_with_its_address() -> None:
    """Compared without case; the token travels in a header only; the tag goes to that contact."""
    result = await run(config={"apply_tag": "Lead", "field_mapping": {"colours": "Favourites"}})

    (request,) = result.requests
    assert request.url.path == "/v23.0/900"
    assert dict(request.url.params) == {"fields": "id,created_time,field_data,form_id"}
    assert request.headers["Authorization"] == "Bearer token"
    assert result.output is not None
    assert result.output.modified_data == {
        "contact_id": "c1",
        "lead_id": "900",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "de Lovelace",
        "lead_fields": {"email": "ada@example.com", "full_name": "Ada de Lovelace", "colours": "red, blue"},
        "created": False,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("contact_updated", "c1", "900"),
        ("tag_applied", "c1", "Lead"),
    ]
    contact = result.crm.contact("c1")
    assert (contact.first_name, contact.last_name, contact.phone) == ("Ada", "de Lovelace", "+9")
    assert contact.custom_fields["Favourites"] == "red, blue"
    assert result.crm.tags_of("c1") == {"77"}


@pytest.mark.parametrize("answers", [{"email": "new@example.com"}, {"first_name": "No", "last_name": "Mail"}])
async def test_an_unknown_lead_creates_a_contact(answers: dict[str, str]) -> None:
    """Also one without an address."""
    result = await run(lead(**answers))

    assert result.output is not None
    contact_id = result.output.modified_data["contact_id"]
    assert contact_id != "c1"
    assert result.output.modified_data["created"] is True
    assert result.output.actions[0].type == "contact_created"
    assert result.crm.contact(contact_id).email == answers.get("email", "")


async def test_a_second_delivery_creates_no_second_contact() -> None:
    """Even where the first contact cannot be found."""
    reply = lead(first_name="No", last_name="Mail")
    first = await run(reply, ids={"execution_id": "exec:1"})
    second = await run(reply, crm=first.crm, state=first.state, ids={"execution_id": "exec:1"})

    assert first.output is not None
    assert second.output is not None
    assert second.output.modified_data == first.output.modified_data


@pytest.mark.parametrize(
    ("input_data", "config", "lead_id"),
    [
        ({"lead_id": "1", "leadgen_id": "2"}, {"lead_id": "9"}, "1"),
        ({"leadgen_id": 2}, {}, "2"),
        ({"lead_id": "", "entry": [{"changes": [{"value": {"leadgen_id": "3"}}]}]}, {}, "3"),
        ({"entry": []}, {"lead_id": "9"}, "9"),
    ],
)
async def test_where_the_lead_id_comes_from(input_data: Any, config: Any, lead_id: str) -> None:
    """Input before config."""
    result = await run(config=config, input=input_data)

    assert result.requests[0].url.path == f"/v23.0/{lead_id}"
    assert result.output is not None
    assert result.output.modified_data["lead_id"] == lead_id


async def test_a_config_without_a_lead_id_is_valid_but_a_run_without_one_fails() -> None:
    """Nothing is sent."""
    result = await run(input={})

    assert result.config_error is None
    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("answers", "mapping", "expected"),
    [
        ({"phone_number": "+1", "company_name": "Acme", "job_title": "Dr"}, {},
         {"phone": "+1", "company": "Acme", "job_title": "Dr"}),
        ({"full_name": "Ada Lovelace", "first_name": "Augusta"}, {},
         {"first_name": "Augusta", "last_name": "Lovelace"}),
        ({"full_name": "Ada"}, {}, {"first_name": "Ada", "last_name": ""}),
        ({"q1": "+2"}, {"q1": "Phone1"}, {"phone": "+2"}),
        ({"q1": "Acme"}, {"q1": "company"}, {"company": "Acme"}),
        ({"q1": "Grace Hopper", "first_name": "x"}, {"q1": "Name"}, {"first_name": "Grace", "last_name": "Hopper"}),
        ({"q1": "G H"}, {"q1": "full_name"}, {"first_name": "G", "last_name": "H"}),
        ({"orderId": "7"}, {"order_id": "JobTitle"}, {"job_title": "7"}),
        ({"q1": "c9"}, {"q1": "Id"}, {"first_name": ""}),
    ],
)  # fmt: skip
async def test_answers_reach_standard_fields(answers: Any, mapping: Any, expected: dict[str, str]) -> None:
    """The mapping comes last; an id cannot be written."""
    result = await run(lead(email="new@example.com", **answers), {"field_mapping": mapping})

    assert result.output is not None
    contact = result.crm.contact(result.output.modified_data["contact_id"])
    assert {name: getattr(contact, name) for name in expected} == expected
    assert contact.custom_fields == {}


async def test_empty_answers_leave_the_contact_alone() -> None:
    """Only what is not empty is written."""
    result = await run(lead(email="ada@example.com", phone_number="", q=""), {"field_mapping": {"q": "Custom"}})

    assert result.crm.contact("c1").phone == "+9"
    assert result.crm.field("c1", "Custom") is None


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        *[({"status": 400, "json": {"error": {"code": code}}}, True) for code in (1, 2, 4, 17, 32, 341, 613)],
        ({"status": 200, "json": {"error": {"code": 4}}}, True),
        ({"status": 403, "json": {"error": {"code": 10, "is_transient": True}}}, True),
        ({"status": 401, "json": {"error": {"code": 190, "message": "token expired"}}}, False),
        ({"status": 400, "json": {"error": {"code": 100}}}, False),
        ({"status": 200, "json": {"error": {"code": 100}}}, False),
        ({"status": 500, "json": {"error": {"code": 100}}}, True),
        ({"status": 429, "text": ""}, True),
        ({"status": 404, "text": "no"}, False),
        ({"status": 200, "json": {"id": "900"}}, False),
        (lead(), False),
        (lead(is_list=False), False),
    ],
)
async def test_outcomes(reply: dict[str, Any], retryable: bool) -> None:
    """The error object decides, whatever the status; no contact is made."""
    result = await run(reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.contact("c1").first_name == ""


async def test_a_failing_tag_is_logged_and_a_failing_write_fails_the_run() -> None:
    """The contact is the purpose, the tag is not."""
    tag_fails = await run(config={"apply_tag": "77"}, crm={"contact": EXISTING, "fail": {"apply_tag": True}})
    write_fails = await run(crm={"contact": EXISTING, "fail": {"update_contact": True}})

    assert tag_fails.output is not None
    assert [action.type for action in tag_fails.output.actions] == ["contact_updated"]
    assert write_fails.error is not None


async def test_the_graph_version_is_a_setting() -> None:
    """Versions expire."""
    assert (await run(settings={"facebook_api_version": "v30.0"})).requests[0].url.path == "/v30.0/900"


async def test_the_token_is_needed() -> None:
    """Nothing is sent."""
    result = await run(service_auths={})

    assert result.error is not None
    assert result.requests == []


@pytest.mark.parametrize("config", [{"field_mapping": ["a"]}, {"field_mapping": {"a": 5}}, {"apply_tag": 5}])
async def test_refused_configs(config: dict[str, Any]) -> None:
    """The mapping is an object of texts."""
    assert (await run(config=config)).config_error is not None
