"""ip_notifications, ip_redirects and route_it_geo: the look-up and what follows (spec automation C11)."""

from __future__ import annotations

import pytest

from helpers.invocation import parse_config
from helpers.registry import load
from helpers.testing import run_helper

REPLY = {
    "status": "success",
    "country": "United States",
    "countryCode": "US",
    "region": "CA",
    "regionName": "California",
    "city": "Los Angeles",
    "lat": 34.05,
    "lon": -118.24,
    "timezone": "America/Los_Angeles",
}
FOUND = [{"match": {"url_contains": "ip-api.com"}, "reply": {"status": 200, "json": REPLY}}]
FAILED = [{"match": {}, "reply": {"status": 200, "json": {"status": "fail", "message": "invalid query"}}}]
CRM = {"contact": {"id": "c1", "custom_fields": {"LastIP": " 9.9.9.9 "}}, "tags": [{"id": "7", "name": "Local"}]}
REDIRECT = {"ip_address": "8.8.8.8", "country_urls": {"US": "https://us"}, "default_url": "https://d"}
ROUTE = {"ip_address": "8.8.8.8", "country_routes": {"US": "https://us"}, "fallback_url": "https://f"}


def answering(**reply):
    return [{"match": {}, "reply": reply}]


# the look-up --------------------------------------------------------------------------------------------------
async def test_the_free_service_is_asked_with_exactly_the_fields_needed():
    """Plain http is all the free service offers."""
    run = await run_helper("ip_redirects", REDIRECT, http=FOUND)

    assert [(request.method, str(request.url)) for request in run.requests] == [
        (
            "GET",
            "http://ip-api.com/json/8.8.8.8?fields=status,message,country,countryCode,region,regionName,city,lat,lon,timezone",
        )
    ]


async def test_with_a_key_the_commercial_service_is_asked_over_https():
    """The key never shows up in logs or output."""
    run = await run_helper(
        "ip_redirects", REDIRECT, http=answering(status=403, text="bad key k-123"), settings={"ip_api_key": "k-123"}
    )

    assert str(run.requests[0].url).startswith("https://pro.ip-api.com/json/8.8.8.8?key=k-123&fields=status,message,")
    assert "k-123" not in str(run.output)


async def test_a_location_is_cached_by_address():
    """A second run within the hour asks nobody."""
    first = await run_helper("ip_redirects", REDIRECT, http=FOUND, now="2026-01-15T10:00:00Z")
    second = await run_helper("ip_redirects", REDIRECT, state=first.state, now="2026-01-15T10:59:00Z")

    assert second.requests == []
    assert second.output.modified_data == first.output.modified_data


async def test_a_used_up_free_quota_is_left_alone_until_it_resets():
    """X-Rl 0 stops every worker for X-Ttl seconds; a key is not concerned."""
    spent = answering(status=200, json=REPLY, headers={"X-Rl": "0", "X-Ttl": "30"})
    first = await run_helper("ip_redirects", REDIRECT, http=spent, now="2026-01-15T10:00:00Z")
    other = {**REDIRECT, "ip_address": "1.1.1.1", "default_url": None}

    waiting = await run_helper("ip_redirects", other, state=first.state, now="2026-01-15T10:00:10Z")
    keyed = await run_helper(
        "ip_redirects", other, http=FOUND, state=first.state, now="2026-01-15T10:00:20Z", settings={"ip_api_key": "k"}
    )
    later = await run_helper(
        "ip_redirects", {**other, "ip_address": "1.0.0.1"}, http=FOUND, state=first.state, now="2026-01-15T10:00:31Z"
    )

    assert waiting.error.retryable
    assert waiting.error.retry_after == 20
    assert waiting.requests == []
    assert keyed.output.success
    assert later.output.success


async def test_a_429_is_retried_when_the_service_says():
    """X-Ttl names the seconds."""
    http = answering(status=429, headers={"X-Ttl": "17"})

    run = await run_helper("ip_redirects", {**REDIRECT, "default_url": ""}, http=http)

    assert run.error.retryable
    assert run.error.retry_after == 17


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 500}, True),
        ({"status": 503}, True),
        ({"error": "timeout"}, True),
        ({"error": "connect"}, True),
        ({"status": 404}, False),
        ({"status": 200, "text": "<html>"}, False),
        ({"status": 200, "json": {"status": "fail", "message": "reserved range"}}, False),
        ({"status": 200, "json": ["success"]}, False),
    ],
)
@pytest.mark.parametrize("helper_type", ["ip_notifications", "ip_redirects", "route_it_geo"])
async def test_look_up_failures(helper_type, reply, retryable):
    """Without a default they are errors, retryable only where the condition passes."""
    config = {"ip_address": "8.8.8.8", "country_urls": {"US": "https://us"}, "country_routes": {"US": "https://us"}}

    run = await run_helper(helper_type, config, crm=CRM, http=[{"match": {}, "reply": reply}])

    assert run.error.retryable is retryable


@pytest.mark.parametrize("ip", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "224.0.0.1", "::1", "fe80::1"])
@pytest.mark.parametrize("helper_type", ["ip_notifications", "ip_redirects", "route_it_geo"])
async def test_private_addresses_fail_without_a_call(helper_type, ip):
    """Nobody is located there."""
    run = await run_helper(helper_type, {"ip_address": ip}, crm=CRM)

    assert run.error is not None
    assert not run.error.retryable
    assert run.requests == []


@pytest.mark.parametrize(
    ("configured", "input_", "query", "asked"),
    [
        (" 8.8.8.8 ", {"ip_address": "1.1.1.1"}, {}, "8.8.8.8"),
        ("2001:4860:4860::8888", {}, {}, "2001:4860:4860::8888"),
        ("LastIP", {"ip_address": "1.1.1.1"}, {"ip_address": "1.0.0.1"}, "1.1.1.1"),
        ("LastIP", {"ip_address": ""}, {"ip_address": "1.0.0.1", "ip": "8.8.4.4"}, "1.0.0.1"),
        ("LastIP", {}, {"ip": " 8.8.4.4 "}, "8.8.4.4"),
        ("LastIP", {}, {}, "9.9.9.9"),
    ],
)
async def test_which_address(configured, input_, query, asked):
    """A literal, else the visit's, else the field's; reported as looked up."""
    run = await run_helper(
        "ip_redirects", {**REDIRECT, "ip_address": configured}, crm=CRM, http=FOUND, input=input_, query_params=query
    )

    assert f"/json/{asked}?" in str(run.requests[0].url)
    assert run.output.modified_data["ip_address"] == asked


async def test_a_host_name_is_no_address():
    """ip-api would resolve it."""
    run = await run_helper("ip_redirects", REDIRECT | {"ip_address": "x"}, query_params={"ip": "evil.example/../x"})

    assert run.requests == []
    assert run.output.modified_data == {
        "redirect_url": "https://d",
        "reason": "geolocation_failed",
        "match_reason": "geolocation_failed",
    }


# ip_redirects -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"ip_address": ""},
        {"ip_address": "8.8.8.8", "default_url": "javascript:x"},
        {"ip_address": "8.8.8.8", "country_urls": []},
    ],
)
async def test_redirect_refuses(config):
    """An address, and URLs that may be visited."""
    assert (await run_helper("ip_redirects", config)).config_error


@pytest.mark.parametrize("key", ["US", "us", "_u_s"])
async def test_redirect_by_country(key):
    """Keys as the web form stored them count."""
    config = {"ip_address": "8.8.8.8", "country_urls": {key: "https://us"}, "save_redirect_to": "url"}

    run = await run_helper("ip_redirects", config, crm=CRM, http=FOUND)

    assert run.output.modified_data == {
        "redirect_url": "https://us",
        "ip_address": "8.8.8.8",
        "country": "United States",
        "country_code": "US",
        "match_reason": "country_match:US",
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "url", "https://us"),
        ("redirect_determined", "US", "https://us"),
    ]


async def test_redirect_default_and_none():
    """Another country takes the default; without one the run fails."""
    config = {"ip_address": "8.8.8.8", "country_urls": {"CA": "https://ca", "US": ""}}

    default = await run_helper("ip_redirects", config | {"default_url": "https://d"}, http=FOUND)
    none = await run_helper("ip_redirects", config, http=FOUND)

    assert default.output.modified_data["match_reason"] == "default"
    assert default.output.actions[-1].target == "US"
    assert not none.error.retryable


@pytest.mark.parametrize("http", [FAILED, answering(error="timeout"), answering(status=429)])
async def test_redirect_default_also_after_a_failed_look_up(http):
    """Of any kind; the URL is still saved."""
    run = await run_helper("ip_redirects", REDIRECT | {"save_redirect_to": "url"}, crm=CRM, http=http)

    assert run.output.modified_data == {
        "redirect_url": "https://d",
        "ip_address": "8.8.8.8",
        "reason": "geolocation_failed",
        "match_reason": "geolocation_failed",
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "url", "https://d"),
        ("redirect_determined", "", "https://d"),
    ]


# route_it_geo -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("routes", "url", "reason"),
    [
        ({"region_routes": {"california": "https://r"}}, "https://r", "region_match:California"),
        ({"region_routes": {"_california": "https://r"}}, "https://r", "region_match:California"),
        ({"region_routes": {"US-CA": "https://r"}}, "https://r", "region_match:California"),
        ({"region_routes": {"Texas": "https://r"}}, "https://us", "country_match:US"),
        ({"country_routes": {"CA": "https://ca"}}, "https://f", "fallback"),
    ],
)
async def test_region_then_country_then_fallback(routes, url, reason):
    """Region goes first."""
    run = await run_helper("route_it_geo", ROUTE | routes, http=FOUND)

    assert run.output.modified_data == {
        "redirect_url": url,
        "routing_reason": reason,
        "country": "United States",
        "country_code": "US",
        "region": "California",
        "city": "Los Angeles",
        "location": "Los Angeles, California, United States",
    }
    assert dict(run.output.actions[-1]) == {"type": "contact_routed", "target": "us", "value": url}


async def test_geo_tail_order():
    """Location, URL, tag, routing."""
    config = ROUTE | {"save_location_to": "loc", "save_to_field": "url", "apply_tag": "Local"}

    run = await run_helper("route_it_geo", config, crm=CRM, http=FOUND)

    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "loc", "Los Angeles, California, United States"),
        ("field_updated", "url", "https://us"),
        ("tag_applied", "c1", "Local"),
        ("contact_routed", "us", "https://us"),
    ]


async def test_geo_after_a_failed_look_up():
    """The fallback, without location and geo keys."""
    config = ROUTE | {"save_location_to": "loc", "save_to_field": "url", "apply_tag": "7"}

    run = await run_helper("route_it_geo", config, crm=CRM, http=FAILED)

    assert run.output.modified_data == {"redirect_url": "https://f", "routing_reason": "geolocation_failed"}
    assert [(a.type, a.target) for a in run.output.actions] == [
        ("field_updated", "url"),
        ("tag_applied", "c1"),
        ("contact_routed", ""),
    ]


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize(
    ("helper_type", "keys"),
    [
        ("ip_notifications", ("match_countries", "match_regions")),
        ("ip_redirects", ("country_urls",)),
        ("route_it_geo", ("country_routes", "region_routes")),
    ],
)
def test_places_that_the_form_left_empty_are_none(helper_type, keys, empty):
    """It stored the empty input in several shapes."""
    config = {"ip_address": "8.8.8.8"}

    assert parse_config(load(helper_type), config | dict.fromkeys(keys, empty)) == parse_config(
        load(helper_type), config
    )


async def test_geo_without_any_route_fails():
    """Nothing to send the visitor to."""
    run = await run_helper("route_it_geo", {"ip_address": "8.8.8.8"}, http=FOUND)

    assert not run.error.retryable


# ip_notifications ---------------------------------------------------------------------------------------------
NOTIFY = {"ip_address": "8.8.8.8", "apply_tag": "Local", "save_location_to": "loc"}


@pytest.mark.parametrize(
    ("lists", "matches"),
    [
        ({}, True),
        ({"match_countries": [], "match_regions": None}, True),
        ({"match_countries": ["us"]}, True),
        ({"match_countries": ["CA"]}, False),
        ({"match_regions": ["CALIFORNIA"]}, True),
        ({"match_regions": ["US-CA"]}, True),
        ({"match_countries": ["DE"], "match_regions": ["California"]}, True),
        ({"match_countries": ["DE"], "match_regions": ["Texas"]}, False),
    ],
)
async def test_notification_matches(lists, matches):
    """Country or region; two empty lists match everything. The location is saved in any case."""
    run = await run_helper("ip_notifications", NOTIFY | lists, crm=CRM, http=FOUND)

    text = "Los Angeles, California, United States"
    assert run.output.modified_data == {
        "ip_address": "8.8.8.8",
        "country": "United States",
        "country_code": "US",
        "region": "California",
        "city": "Los Angeles",
        "location_string": text,
        "location_matches": matches,
    }
    saved = [("field_updated", "loc", text)]
    assert [(a.type, a.target, a.value) for a in run.output.actions] == saved + [
        ("tag_applied", "c1", "Local")
    ] * matches


async def test_notification_effects_fail_together_or_not_at_all():
    """One failing effect is logged, all failing is an error."""
    one = await run_helper("ip_notifications", NOTIFY, crm={**CRM, "fail": {"apply_tag": True}}, http=FOUND)
    both = await run_helper(
        "ip_notifications", NOTIFY, crm={**CRM, "fail": {"apply_tag": True, "set_field_value": True}}, http=FOUND
    )

    assert [action.type for action in one.output.actions] == ["field_updated"]
    assert one.output.logs
    assert not both.error.retryable


async def test_notification_needs_crm_and_contact():
    """It works on a contact."""
    assert (await run_helper("ip_notifications", NOTIFY)).error is not None
    assert (await run_helper("ip_notifications", NOTIFY, crm=CRM, contact_id="")).error is not None
    assert (await run_helper("ip_notifications", {"match_countries": ["US"]}, crm=CRM)).config_error
