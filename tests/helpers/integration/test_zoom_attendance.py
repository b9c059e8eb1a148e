"""zoom_webinar_absentee and zoom_webinar_participant: tags after a webinar."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import HelperRun, SandboxCRM, run_helper

CONTACT = {"id": "c1", "email": "Ada@Example.com"}
NAMES = (
    "Webinar No Show", "Webinar Registered", "Webinar ID:91", "Webinar Attended", "Webinar High Engagement",
    "Webinar Medium Engagement", "Webinar Low Engagement", "Webinar Duration: 60+ min", "Webinar Duration: 30-60 min",
    "Webinar Duration: 15-30 min", "Webinar Duration: <15 min", "VIP",
)  # fmt: skip
TAGS = [{"id": str(100 + number), "name": name} for number, name in enumerate(NAMES)]
CRM = {"contact": CONTACT, "tags": TAGS}
ZOOM = {"zoom": {"access_token": "token"}}


def tags(run: HelperRun) -> list[str]:
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data["tags_applied"] == len(run.output.actions)
    assert all((action.type, action.target) == ("tag_applied", "c1") for action in run.output.actions)
    return [action.value for action in run.output.actions]


async def absentee(config: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", CRM)
    return await run_helper("zoom_webinar_absentee", config or {}, **options)


async def participant(config: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", CRM)
    return await run_helper("zoom_webinar_participant", config or {}, **options)


# absentee -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "input_data", "applied"),
    [
        ({}, {}, ["Webinar No Show", "Webinar Registered"]),
        ({"webinar_id": "91"}, {}, ["Webinar No Show", "Webinar Registered", "Webinar ID:91"]),
        ({"webinar_id": "1"}, {"webinar_id": 91}, ["Webinar No Show", "Webinar Registered", "Webinar ID:91"]),
        ({"apply_no_show_tag": False}, {}, ["Webinar Registered"]),
        ({"apply_no_show_tag": "false", "apply_registered_tag": False, "custom_tags": ["vip", "", "103"]}, {},
         ["vip", "103"]),
        ({"tag_prefix": "webinar"}, {}, ["webinar No Show", "webinar Registered"]),
        ({"tag_prefix": ""}, {}, ["Webinar No Show", "Webinar Registered"]),
        ({"tag_prefix": "Other"}, {}, []),
        ({"apply_no_show_tag": False, "apply_registered_tag": False}, {}, []),
    ],
)  # fmt: skip
async def test_tags_of_an_absentee(config: dict[str, Any], input_data: dict[str, Any], applied: list[str]) -> None:
    """By id or name, in order; what does not exist is skipped."""
    result = await absentee(config, input=input_data)

    assert tags(result) == applied
    assert result.output is not None
    assert result.output.modified_data == {"tags_applied": len(applied), "status": "no_show"}
    assert len(result.crm.tags_of("c1")) == len(applied)


async def test_missing_tags_and_failing_ones_are_logged() -> None:
    """The others are applied."""
    result = await absentee(
        {"webinar_id": "92", "custom_tags": ["VIP"]}, crm={**CRM, "fail": {"apply_tag": ["100"]}}
    )  # fmt: skip

    assert tags(result) == ["Webinar Registered", "VIP"]
    assert result.output is not None
    assert len(result.output.logs) == 2


@pytest.mark.parametrize("helper", [absentee, participant])
async def test_tags_that_cannot_be_read_fail_the_run(helper: Any) -> None:
    """Nothing could be looked up."""
    assert (await helper(crm={**CRM, "fail": {"get_tags": True}})).error is not None


@pytest.mark.parametrize("helper", [absentee, participant])
async def test_a_crm_that_refuses_every_tag_fails_the_run(helper: Any) -> None:
    """Retryable where the CRM says so."""
    crm = SandboxCRM(CRM)

    async def busy(contact_id: str, tag: str) -> None:
        raise CrmError(CrmErrorCode.RATE_LIMITED, "slow down", platform="keap", status_code=429, retryable=True)

    refused = await helper(crm={**CRM, "fail": {"apply_tag": True}})
    crm.apply_tag = busy  # type: ignore[method-assign] # a double of one method
    limited = await helper(crm=crm)

    assert refused.error is not None
    assert not refused.error.retryable
    assert limited.error is not None
    assert limited.error.retryable


async def test_failures_beside_missing_tags_are_success() -> None:
    """Not every wanted tag failed by a CRM error."""
    result = await absentee({"custom_tags": ["nobody"]}, crm={**CRM, "fail": {"apply_tag": True}})

    assert tags(result) == []


def absentees(*emails: str, token: str = "") -> dict[str, Any]:
    return {"status": 200, "json": {"registrants": [{"email": email} for email in emails], "next_page_token": token}}


async def test_zoom_is_asked_before_an_attendee_is_tagged() -> None:
    """All pages are read."""
    http = [
        {"match": {"url_contains": "next_page_token=t2"}, "reply": absentees("ada@example.COM")},
        {"match": {"url_contains": "/past_webinars/91/absentees?page_size=300"}, "reply": absentees("b@x", token="t2")},
    ]
    result = await absentee({"webinar_id": "91", "verify_with_zoom": True}, http=http, service_auths=ZOOM)

    assert tags(result)[0] == "Webinar No Show"
    assert [dict(request.url.params) for request in result.requests] == [
        {"page_size": "300"},
        {"page_size": "300", "next_page_token": "t2"},
    ]


async def test_a_contact_who_is_not_listed_attended() -> None:
    """No tags, success."""
    http = [{"match": {"method": "GET"}, "reply": absentees("other@example.com")}]
    result = await absentee({"webinar_id": "91", "verify_with_zoom": "true"}, http=http, service_auths=ZOOM)

    assert tags(result) == []
    assert result.output is not None
    assert result.output.modified_data == {"tags_applied": 0, "status": "attended"}


@pytest.mark.parametrize(
    ("webinar_id", "contact", "auths"),
    [("", CONTACT, ZOOM), ("91", {"id": "c1"}, ZOOM), ("91", CONTACT, {})],
)
async def test_verification_needs_webinar_address_and_credentials(webinar_id: str, contact: Any, auths: Any) -> None:
    """Without them nobody is tagged."""
    result = await absentee(
        {"webinar_id": webinar_id, "verify_with_zoom": True},
        crm={"contact": contact, "tags": TAGS},
        service_auths=auths,
    )

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []
    assert result.crm.tags_of("c1") == set()


# participant --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("percent", "level"),
    [(100, "high"), (75, "high"), (74.9, "medium"), (50, "medium"), (49.9, "low"), (0.1, "low"), (0, "none")],
)
async def test_engagement_levels(percent: float, level: str) -> None:
    """The thresholds belong to the higher level; without attendance there is none."""
    result = await participant(input={"attended_percent": percent, "duration_minutes": 1})

    expected = ["Webinar Attended"] if level == "none" else ["Webinar Attended", f"Webinar {level.title()} Engagement"]
    assert tags(result) == expected
    assert result.output is not None
    assert result.output.modified_data == {
        "attended_percent": percent,
        "duration_minutes": 1,
        "tags_applied": len(expected),
        "engagement_level": level,
    }


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(60, "60+ min"), (59.9, "30-60 min"), (30, "30-60 min"), (29, "15-30 min"), (15, "15-30 min"), (1, "<15 min")],
)
async def test_duration_tags(minutes: float, text: str) -> None:
    """Only where they are switched on."""
    config = {"apply_duration_tag": True, "apply_attendance_tag": False, "apply_engagement_tags": "false"}

    assert tags(await participant(config, input={"duration_minutes": minutes})) == [f"Webinar Duration: {text}"]
    assert tags(await participant(config, input={"duration_minutes": 0, "attended_percent": 5})) == []


async def test_the_order_of_the_tags() -> None:
    """Attendance, engagement, duration, webinar, custom."""
    config = {"webinar_id": "91", "apply_duration_tag": True, "custom_tags": ["VIP"]}
    result = await participant(config, input={"attended_percent": "80", "duration_minutes": "61"})

    assert tags(result) == [
        "Webinar Attended", "Webinar High Engagement", "Webinar Duration: 60+ min", "Webinar ID:91", "VIP"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("input_data", "percent"), [({}, 60), ({"attended_percent": 10}, 10), ({"attended_percent": "x"}, 60)]
)  # fmt: skip
async def test_figures_of_the_input_win_over_the_config(input_data: dict[str, Any], percent: float) -> None:
    """One stored percentage for all contacts makes little sense."""
    result = await participant({"attended_percent": "60"}, input=input_data)

    assert result.output is not None
    assert result.output.modified_data["attended_percent"] == percent


async def test_own_thresholds() -> None:
    """In percent."""
    config = {"high_engagement_threshold": 20, "medium_engagement_threshold": "10"}
    result = await participant(config, input={"attended_percent": 20})

    assert result.output is not None
    assert result.output.modified_data["engagement_level"] == "high"


def report(*visits: tuple[str, int], minutes: Any = 60, token: str = "") -> list[dict[str, Any]]:
    people = [{"user_email": email, "duration": seconds} for email, seconds in visits]
    return [
        {"match": {"url_contains": "next_page_token=t2"},
         "reply": {"json": {"participants": [{"user_email": "ada@example.com", "duration": 60}]}}},
        {"match": {"url_contains": "/report/webinars/91/participants?page_size=300"},
         "reply": {"json": {"participants": people, "next_page_token": token}}},
        {"match": {"url_contains": "/report/webinars/91"}, "reply": {"json": {"duration": minutes}}},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("http", "percent", "minutes", "level"),
    [
        (report(("ADA@example.com", 1000), ("b@x", 9), ("ada@example.com", 1001)), 55.6, 33.4, "medium"),
        (report(("ada@example.com", 9000)), 100, 150, "high"),
        (report(("ada@example.com", 600), token="t2"), 18.3, 11, "low"),
        (report(("ada@example.com", 600), minutes=0), 0, 10, "none"),
    ],
)
async def test_zoom_is_asked_where_the_execution_brings_no_figures(
    http: Any, percent: float, minutes: float, level: str
) -> None:
    """All visits on all pages count, at most 100 percent."""
    result = await participant({"webinar_id": "91", "attended_percent": 0}, http=http, service_auths=ZOOM)

    assert result.output is not None
    data = result.output.modified_data
    assert (data["attended_percent"], data["duration_minutes"], data["engagement_level"]) == (percent, minutes, level)
    assert "Webinar Attended" in tags(result)


@pytest.mark.parametrize("contact", [CONTACT, {"id": "c1"}])
async def test_a_contact_who_is_not_in_the_report_gets_no_tags(contact: dict[str, Any]) -> None:
    """An empty address matches nobody, not even a visit without one."""
    result = await participant(
        {"webinar_id": "91"}, http=report(("", 60)), service_auths=ZOOM, crm={"contact": contact, "tags": TAGS}
    )

    assert tags(result) == []
    assert result.output is not None
    assert result.output.modified_data["engagement_level"] == "none"


@pytest.mark.parametrize(
    ("config", "auths", "input_data"),
    [({"webinar_id": "91"}, {}, {}), ({}, ZOOM, {}), ({"webinar_id": "91"}, ZOOM, {"duration_minutes": 5})],
)
async def test_zoom_is_not_asked_without_need_or_means(config: Any, auths: Any, input_data: Any) -> None:
    """Then the contact counts as attended."""
    result = await participant(config, service_auths=auths, input=input_data)

    assert result.requests == []
    assert tags(result)[0] == "Webinar Attended"


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (429, True)])
async def test_a_report_that_cannot_be_read_fails_the_run(status: int, retryable: bool) -> None:
    """Nobody is tagged."""
    http = [{"match": {"method": "GET"}, "reply": {"status": status}}]
    result = await participant({"webinar_id": "91"}, http=http, service_auths=ZOOM)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.tags_of("c1") == set()


@pytest.mark.parametrize(
    "config",
    [
        {"attended_percent": "much"},
        {"attended_percent": 101},
        {"duration_minutes": True},
        {"high_engagement_threshold": []},
        {"custom_tags": "VIP"},
        {"custom_tags": [5]},
        {"apply_attendance_tag": "maybe"},
        {"webinar_id": 91},
    ],
)
async def test_refused_configs(config: dict[str, Any]) -> None:
    """Numbers, booleans and texts of the right kind."""
    assert (await participant(config)).config_error is not None
