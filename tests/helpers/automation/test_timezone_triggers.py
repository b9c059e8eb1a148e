"""timezone_triggers: a goal at a local weekday and time (spec automation)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from helpers.automation.local_time import next_occurrence, parse_days, parse_time
from helpers.testing import run_helper

NOW = "2026-01-15T10:00:00Z"  # a Thursday, 02:00 in Los Angeles
CONFIG = {"day": "Thursday", "time": "9:00 AM", "trigger_goal": "call"}
SAVES = {"save_time_zone": "tz", "save_lat_lng": "pos", "save_time_zone_offset": "offset"}
CRM = {
    "contact": {
        "id": "c1",
        "custom_fields": {"StreetAddress1": "1 Main St", "City": "Los Angeles", "Country": "US", "City2": "Rome"},
    }
}
AUTH = {"google_maps": {"api_key": "maps-key"}}
GEOCODE = {"status": "OK", "results": [{"geometry": {"location": {"lat": 34.05, "lng": -118.25}}}]}
ZONE = {"status": "OK", "timeZoneId": "America/Los_Angeles", "rawOffset": -28800, "dstOffset": 0}


def maps(geocode=GEOCODE, zone=ZONE, **reply):
    return [
        {"match": {"url_contains": "maps.googleapis.com/maps/api/geocode/json"}, "reply": reply or {"json": geocode}},
        {"match": {"url_contains": "maps.googleapis.com/maps/api/timezone/json"}, "reply": {"json": zone}},
    ]


async def trigger(config=CONFIG, **kwargs):
    kwargs = {"crm": CRM, "http": maps(), "service_auths": AUTH, "now": NOW, "ids": {"helper_id": "helper:h"}, **kwargs}
    return await run_helper("timezone_triggers", config, **kwargs)


# days and times -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Monday", {0}),
        ("mon", {0}),
        ("Mon, WED ,friday", {0, 2, 4}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("daily", set(range(7))),
        ("any", set(range(7))),
        ("Every Day", set(range(7))),
    ],
)
def test_days(text, days):
    """Names, three letters, lists and words for several."""
    assert parse_days(text) == days


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("14:00", time(14)),
        ("9:00", time(9)),
        ("9:00 AM", time(9)),
        ("9:00am", time(9)),
        ("9 AM", time(9)),
        ("12:30 am", time(0, 30)),
        ("12 PM", time(12)),
        ("11:59PM", time(23, 59)),
        ("00:05", time(0, 5)),
    ],
)
def test_times(text, at):
    """24 hours, or with AM and PM."""
    assert parse_time(text) == at


@pytest.mark.parametrize("key", ["day", "time"])
@pytest.mark.parametrize("value", ["", None, "someday", "25:00", "9:60", "13 PM", "0 AM", "9", "Mon,,Tue,x", 9])
async def test_unparseable_days_and_times_are_refused(key, value):
    """When the config is stored, not when it runs."""
    assert (await trigger(CONFIG | {key: value})).config_error


@pytest.mark.parametrize(
    ("now", "day", "at", "due"),
    [
        ("2026-01-15T13:59:59", {3}, time(9), "2026-01-15T14:00:00"),
        ("2026-01-15T14:00:00", {3}, time(9), "2026-01-22T14:00:00"),
        ("2026-01-16T02:00:00", {3}, time(23), "2026-01-16T04:00:00"),
        ("2026-03-07T12:00:00", {6}, time(2, 30), "2026-03-08T07:30:00"),
        ("2026-10-31T12:00:00", {6}, time(1, 30), "2026-11-01T05:30:00"),
        ("2026-07-15T00:00:00", set(range(7)), time(9), "2026-07-15T13:00:00"),
    ],
)
def test_the_next_occurrence_in_new_york(now, day, at, due):
    """Strictly after now; a time in the gap moves forward by it, a doubled one is taken the first time."""
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)

    found = next_occurrence(instant, ZoneInfo("America/New_York"), frozenset(day), at)

    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


# the run ----------------------------------------------------------------------------------------------------------
async def test_a_goal_is_scheduled_for_the_local_time():
    """9:00 in Los Angeles is 17:00 UTC; the child is a goal_it of the same contact and connection."""
    run = await trigger(CONFIG | SAVES)

    data = run.output.modified_data
    child = run.children[0]
    assert data == {
        "address": "1 Main St Los Angeles US",
        "day": "Thursday",
        "time": "9:00 AM",
        "contact_id": "c1",
        "helper_id": "helper:h",
        "save_time_zone_field": "tz",
        "save_lat_lng_field": "pos",
        "save_time_zone_offset_field": "offset",
        "trigger_goal": "call",
        "address_found": True,
        "time_zone_found": True,
        "time_zone": "America/Los_Angeles",
        "lat_lng": "34.05,-118.25",
        "utc_offset": "-8",
        "scheduled_for": "2026-01-15T17:00:00Z",
        "scheduled_execution_id": child["execution_id"],
    }
    assert [(a.type, a.target) for a in run.output.actions] == [
        ("field_updated", "tz"),
        ("field_updated", "pos"),
        ("field_updated", "offset"),
        ("timezone_trigger_scheduled", "c1"),
    ]
    assert [run.crm.field("c1", key) for key in ("tz", "pos", "offset")] == [
        "America/Los_Angeles",
        "34.05,-118.25",
        "-8",
    ]
    assert run.output.actions[-1].value == {
        "address": "1 Main St Los Angeles US",
        "day": "Thursday",
        "time": "9:00 AM",
        "time_zone": "America/Los_Angeles",
        "scheduled_for": "2026-01-15T17:00:00Z",
    }
    assert len(run.children) == 1
    assert (child["helper_type"], child["status"], child["not_before"]) == (
        "goal_it",
        "scheduled",
        "2026-01-15T17:00:00Z",
    )
    assert child["config"] == {"goal_name": "call", "integration": "myfusionhelper"}
    assert (child["contact_id"], child["connection_id"], child["trigger_type"]) == ("c1", "connection:test", "chain")


async def test_the_requests():
    """Address, location and the clock's seconds."""
    run = await trigger()

    geocode, zone = (request.url for request in run.requests)
    assert dict(geocode.params) == {"address": "1 Main St Los Angeles US", "key": "maps-key"}
    assert dict(zone.params) == {"location": "34.05,-118.25", "timestamp": "1768471200", "key": "maps-key"}


async def test_without_a_goal_nothing_is_spawned():
    """The fields are still filled."""
    run = await trigger({**CONFIG, **SAVES, "trigger_goal": "", "save_lat_lng": "no_select"})

    assert run.children == []
    assert "scheduled_execution_id" not in run.output.modified_data
    assert "save_lat_lng_field" not in run.output.modified_data
    assert [a.target for a in run.output.actions] == ["tz", "offset", "c1"]


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"City": " ", "Address2Street1": "2 Via", "City2": "Rome"}, "2 Via Rome"),
        ({"PostalCode3": 90210.0}, "90210"),
        ({"address1": "1 A", "city": "B", "zip": "C"}, "1 A B C"),
        ({"State": "CA", "City2": "Rome"}, "CA"),
    ],
)
async def test_the_first_address_that_has_a_part_counts(fields, address):
    """Four sets of fields, parts joined with one blank."""
    run = await trigger(crm={"contact": {"id": "c1", "custom_fields": fields}})

    assert run.output.modified_data["address"] == address


@pytest.mark.parametrize(("goal", "actions"), [("lost", [("goal_achieved", "c1", "lost")]), ("", [])])
async def test_no_address(goal, actions):
    """The failed goal where set; a success without request and child."""
    run = await trigger(CONFIG | {"failed_goal": goal}, crm={"contact": {"id": "c1"}}, http=())

    assert run.output.success
    assert run.output.modified_data["address_found"] is False
    assert "address" not in run.output.modified_data
    assert [(a.type, a.target, a.value) for a in run.output.actions] == actions
    assert run.requests == []
    assert run.children == []


@pytest.mark.parametrize("http", [maps({"status": "ZERO_RESULTS"}), maps(zone={"status": "ZERO_RESULTS"})])
async def test_no_location(http):
    """Either look-up; the address is kept."""
    run = await trigger(CONFIG | {"failed_goal": "lost"}, http=http)

    data = run.output.modified_data
    assert (data["address_found"], data["time_zone_found"]) == (True, False)
    assert data["address"] == "1 Main St Los Angeles US"
    assert run.crm.goals_of("c1") == [{"goal": "lost", "integration": "myfusionhelper"}]
    assert run.children == []


@pytest.mark.parametrize(
    ("http", "retryable"),
    [
        (maps({"status": "OVER_QUERY_LIMIT"}), True),
        (maps(zone={"status": "UNKNOWN_ERROR"}), True),
        (maps(status=503), True),
        (maps(error="timeout"), True),
        (maps({"status": "REQUEST_DENIED"}), False),
        (maps(zone={"status": "INVALID_REQUEST"}), False),
        (maps(zone=ZONE | {"rawOffset": "unknown"}), False),
    ],
)
async def test_look_up_errors(http, retryable):
    """What passes is retried; the key stays secret."""
    run = await trigger(http=http)

    assert run.error.retryable is retryable
    assert "Google Maps" in str(run.error)
    assert "maps-key" not in str(run.error)


async def test_the_key_is_the_accounts_else_the_platforms():
    """Without either nothing is asked."""
    platform = await trigger(service_auths={}, settings={"google_maps_api_key": "platform-key"})
    none = await trigger(service_auths={}, http=())

    assert platform.requests[0].url.params["key"] == "platform-key"
    assert not none.error.retryable


@pytest.mark.parametrize(("now", "offset"), [("2026-01-16T10:00:00Z", "-8"), ("2026-07-16T10:00:00Z", "-7")])
async def test_an_address_is_located_once(now, offset):
    """The second run asks nothing: the offset of its day follows from the zone's rules."""
    first = await trigger(now="2026-07-01T10:00:00Z" if offset == "-7" else NOW)
    second = await trigger(state=first.state, http=(), now=now)

    assert second.requests == []
    assert second.output.modified_data["lat_lng"] == first.output.modified_data["lat_lng"]
    assert (second.output.modified_data["time_zone"], second.output.modified_data["utc_offset"]) == (
        "America/Los_Angeles",
        offset,
    )


async def test_a_zone_that_nobody_knows_writes_nothing():
    """It cannot be scheduled in, and is not remembered."""
    run = await trigger(CONFIG | SAVES, http=maps(zone=ZONE | {"timeZoneId": "Mars/Olympus"}))
    again = await trigger(state=run.state)

    assert not run.error.retryable
    assert run.crm.field("c1", "tz") is None
    assert len(again.requests) == 2


@pytest.mark.parametrize(
    ("raw", "dst", "text"), [(19800, 0, "5.5"), (-28800, 3600, "-7"), (0, 0, "0"), (20700, 0, "5.75")]
)
async def test_the_offset_is_hours_without_trailing_zeros(raw, dst, text):
    """Raw and daylight saving together."""
    run = await trigger(http=maps(zone=ZONE | {"rawOffset": raw, "dstOffset": dst}))

    assert run.output.modified_data["utc_offset"] == text


async def test_a_newer_run_replaces_the_pending_child():
    """One a helper and contact."""
    first = await trigger()
    second = await trigger(CONFIG | {"day": "Friday"}, state=first.state)
    other = await trigger(state=first.state, ids={"helper_id": "helper:other"})

    state = first.state.children
    assert state[first.children[0]["execution_id"]]["status"] == "cancelled"
    assert state[second.children[0]["execution_id"]]["status"] == "scheduled"
    assert state[other.children[0]["execution_id"]]["status"] == "scheduled"


async def test_a_redelivered_run_keeps_its_child():
    """The same execution derives the same id."""
    ids = {"helper_id": "helper:h", "execution_id": "exec:1"}
    first = await trigger(ids=ids)
    second = await trigger(ids=ids, state=first.state)

    assert first.children[0]["execution_id"] == second.children[0]["execution_id"]
    assert [child["status"] for child in first.state.children.values()] == ["scheduled"]


async def test_at_the_depth_limit_the_goal_is_not_scheduled():
    """The run fails; what it found is kept."""
    run = await trigger(CONFIG | SAVES, ids={"depth": 5})

    assert run.error is None
    assert not run.output.success
    assert run.children == []
    assert run.output.modified_data["time_zone"] == "America/Los_Angeles"


async def test_failing_saves_are_logged_and_failing_contacts_are_errors():
    """The schedule does not depend on the fields."""
    saves = await trigger(CONFIG | SAVES, crm={**CRM, "fail": {"set_field_value": ["tz"]}})
    contact = await trigger(crm={**CRM, "fail": {"get_contact": True}}, http=())

    assert [a.target for a in saves.output.actions] == ["pos", "offset", "c1"]
    assert saves.output.logs
    assert contact.error is not None
