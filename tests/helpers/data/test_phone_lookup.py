"""phone_lookup: empty, invalid or valid; goals by status; the cleaned number."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

GOALS = {"valid_goal": "ok", "invalid_goal": "bad", "empty_goal": "none", "save_formatted_to": "clean"}


async def run(phone: Any, config: dict[str, Any] | None = None, **options: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": {"p": phone}, **options.pop("crm", {})}
    return await run_helper("phone_lookup", {"phone_field": "p", **(config or {})}, crm=fixture, **options)


@pytest.mark.parametrize("phone", [None, "", "   "])
async def test_an_empty_field_fires_the_empty_goal(phone: Any) -> None:
    """The output holds the status alone."""
    result = await run(phone, GOALS)

    assert result.output.success
    assert result.output.modified_data == {"status": "empty"}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("goal_achieved", "c1", "none")]
    assert result.crm.store.events("c1", "goal")[0]["integration"] == "myfusionhelper"


async def test_punctuation_alone_is_invalid() -> None:
    """There is no number to report."""
    result = await run("()---", GOALS)

    assert result.output.modified_data == {"status": "invalid", "raw_number": "()---"}
    assert [a.value for a in result.output.actions] == ["bad"]
    assert result.crm.field("c1", "clean") is None


async def test_a_valid_number_fires_its_goal_and_is_saved() -> None:
    """Goal first, then the digits; what was parsed is reported."""
    result = await run("(650) 253-0000", GOALS)

    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("goal_achieved", "c1", "ok"),
        ("field_updated", "clean", "6502530000"),
    ]
    data = result.output.modified_data
    assert data == {
        "number": "6502530000",
        "country_code": "US",
        "raw_number": "(650) 253-0000",
        "contact_id": "c1",
        "status": "valid",
        "e164": "+16502530000",
        "line_type": data["line_type"],
        "region": "US",
    }
    assert data["line_type"]


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+1 650 253 0000 ext. 890", "16502530000"),
        ("650-253-0000 ext 890", "6502530000"),
        ("650-253-0000 extension 890", "6502530000"),
        ("650-253-0000x890", "6502530000"),
        ("650-253-0000 #890", "6502530000"),
        ("650-253-0000 EXT 890", "6502530000"),
        ("(212) 555-0123", "2125550123"),
        ("1-800-FLOWERS", "18003569377"),
        (" 650.253.0000 ", "6502530000"),
        (6502530000.0, "6502530000"),
        ("６５０2530000", "6502530000"),
    ],
)
async def test_the_number_is_its_digits(phone: Any, number: str) -> None:
    """Without a trailing extension, vanity letters as keypad digits."""
    assert (await run(phone)).output.modified_data["number"] == number


@pytest.mark.parametrize(
    ("phone", "country", "valid"),
    [
        ("650-253-0000", None, True),
        ("650-253-0000", "", True),
        ("650-253-0000", "us", True),
        ("+1 416 967 1111", "US", True),
        ("416-967-1111", "US", True),
        ("+44 20 7031 3000", "US", False),
        ("+44 20 7031 3000", "GB", True),
        ("020 7031 3000", "gb", True),
        ("020 7031 3000", "UK", True),
        ("020 7031 3000", "uk", True),
        ("020 7031 3000", "US", False),
        ("+1 650 253 0000", "GB", False),
        ("(555) 123-4567", "US", False),
        ("12345", "US", False),
        ("hello", "US", False),
        ("650-253-0000", "XX", False),
        ("+1 650 253 0000", "XX", False),
        ("650-253-0000 ext 890", "US", True),
    ],
)
async def test_valid_means_valid_in_that_calling_code(phone: str, country: Any, valid: bool) -> None:
    """A Toronto number is valid for US, a London one is not."""
    result = await run(phone, {**GOALS, "country_code": country})

    assert result.output.success
    assert result.output.modified_data["status"] == ("valid" if valid else "invalid")
    assert result.output.actions[0].value == ("ok" if valid else "bad")
    assert (result.crm.field("c1", "clean") is not None) is valid


async def test_the_country_code_is_reported_in_upper_case() -> None:
    """Also for an invalid number, whose raw text and contact are reported."""
    data = (await run("12", {"country_code": "gb"})).output.modified_data

    assert (data["country_code"], data["raw_number"], data["contact_id"], data["number"]) == ("GB", "12", "c1", "12")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("digits", "16502530000"),
        ("", "16502530000"),
        ("e164", "+16502530000"),
        ("national", "(650) 253-0000"),
        ("international", "+1 650-253-0000"),
    ],
)
async def test_the_saved_form_can_be_chosen(form: str, text: str) -> None:
    """Digits by default."""
    result = await run("+1 650 253 0000", {"save_formatted_to": "clean", "save_format": form})
    assert result.crm.field("c1", "clean") == text


async def test_without_goals_the_status_is_still_a_success() -> None:
    """Nothing configured, nothing done."""
    result = await run("650-253-0000")

    assert result.output.success
    assert result.output.actions == []


async def test_one_failure_is_logged_and_all_of_them_fail_the_run() -> None:
    """Goal and write are secondary to each other."""
    one = await run("650-253-0000", GOALS, crm={"fail": {"achieve_goal": True}})
    every = await run("650-253-0000", GOALS, crm={"fail": {"achieve_goal": True, "set_field_value": True}})

    assert one.output.success
    assert [a.type for a in one.output.actions] == ["field_updated"]
    assert one.output.logs
    assert every.output.success is False
    assert every.output.actions == []
    assert every.output.modified_data["status"] == "valid"


async def test_a_failing_read_is_no_empty_field() -> None:
    """The earlier platform fired the empty goal during outages."""
    result = await run("650-253-0000", GOALS, crm={"fail": {"get_field_value": ["p"]}})

    assert result.error is not None
    assert result.crm.store.events("c1", "goal") == []


@pytest.mark.parametrize(("valid", "status"), [(True, "valid"), (False, "invalid")])
async def test_twilio_has_the_last_word_where_it_is_connected(valid: bool, status: str) -> None:
    """Only numbers that are valid offline are asked about."""
    options: dict[str, Any] = {
        "http": [{"match": {"url_contains": "lookups.twilio.com"}, "reply": {"status": 200, "json": {"valid": valid}}}],
        "service_auths": {"twilio": {"api_key": "AC1", "api_secret": "token"}},
    }
    result = await run("650-253-0000", {"use_twilio_lookup": True}, **options)
    offline = await run("555", {"use_twilio_lookup": True}, **options)

    assert result.output.modified_data["status"] == status
    (request,) = result.requests
    assert str(request.url) == "https://lookups.twilio.com/v2/PhoneNumbers/+16502530000"
    assert request.headers["Authorization"] == "Basic QUMxOnRva2Vu"
    assert offline.requests == []


async def test_twilio_is_not_asked_unless_configured_and_connected() -> None:
    """Either alone changes nothing."""
    auths = {"twilio": {"api_key": "AC1", "api_secret": "token"}}
    for result in (
        await run("650-253-0000", service_auths=auths),
        await run("650-253-0000", {"use_twilio_lookup": True}),
    ):
        assert result.output.modified_data["status"] == "valid"
        assert result.requests == []


@pytest.mark.parametrize("config", [{"phone_field": ""}, {"save_format": "E164"}, {"use_twilio_lookup": "true"}])
async def test_a_wrong_config_is_refused(config: dict[str, Any]) -> None:
    """Enums are exact, flags are booleans."""
    assert (await run("1", config)).config_error is not None
