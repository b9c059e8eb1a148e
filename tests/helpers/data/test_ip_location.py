"""ip_location: a public address is looked up once; anything else never."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

REPLY = {
    "status": "success", "country": "United States", "countryCode": "US", "region": "VA", "regionName": "Virginia",
    "city": "Ashburn", "zip": "20149", "lat": 39.03, "lon": -77.5, "timezone": "America/New_York", "isp": "Google LLC",
    "query": "8.8.8.8",
}  # fmt: skip
EVERYTHING = {"city_field": "city", "state_field": "state", "country_field": "land", "zip_field": "zip"}


async def run(
    ip: Any, config: dict[str, Any] | None = None, reply: Any = None, crm: dict[str, Any] | None = None, **options: Any
) -> Any:
    answer = {"status": 200, "json": REPLY} if reply is None else reply
    return await run_helper(
        "ip_location",
        {"ip_field": "ip", **(config or {})},
        crm={"contact": {"id": "c1"}, "fields": {"ip": ip}, **(crm or {})},
        http=[{"match": {}, "reply": answer}],
        **options,
    )


async def test_the_place_is_stored() -> None:
    """State and country are names; the output holds all that is known."""
    result = await run(" 8.8.8.8 ", EVERYTHING)

    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("field_updated", "city", "Ashburn"),
        ("field_updated", "state", "Virginia"),
        ("field_updated", "land", "United States"),
        ("field_updated", "zip", "20149"),
    ]
    assert result.crm.field("c1", "state") == "Virginia"
    assert result.output.modified_data == {
        "ip_address": "8.8.8.8",
        "city": "Ashburn",
        "state": "Virginia",
        "country": "United States",
        "country_code": "US",
        "zip": "20149",
        "latitude": 39.03,
        "longitude": -77.5,
        "timezone": "America/New_York",
        "isp": "Google LLC",
    }
    (request,) = result.requests
    assert (request.method, str(request.url)) == ("GET", "http://ip-api.com/json/8.8.8.8")


async def test_a_key_of_the_platform_moves_the_call_to_the_paid_service() -> None:
    """Encrypted, and with the key."""
    result = await run("8.8.8.8", settings={"ip_api_key": "K1"})
    assert str(result.requests[0].url) == "https://pro.ip-api.com/json/8.8.8.8?key=K1"


async def test_an_ipv6_address_stands_unencoded_in_the_path() -> None:
    """Colons are legal there."""
    result = await run("2001:4860:4860::8888")
    assert str(result.requests[0].url) == "http://ip-api.com/json/2001:4860:4860::8888"


async def test_no_destination_is_a_success_too() -> None:
    """The place is in the output."""
    result = await run("8.8.8.8", {"city_field": ""})

    assert result.output.success
    assert result.output.actions == []
    assert result.output.modified_data["city"] == "Ashburn"


async def test_unknown_parts_are_not_written() -> None:
    """An empty city does not blank a field."""
    result = await run("8.8.8.8", EVERYTHING, {"status": 200, "json": {**REPLY, "city": "", "zip": None}})
    assert [action.target for action in result.output.actions] == ["state", "land"]


@pytest.mark.parametrize("ip", [None, "", "  "])
async def test_an_empty_field_is_left_alone(ip: Any) -> None:
    """No call, no action."""
    result = await run(ip, EVERYTHING)

    assert result.output.success
    assert (result.requests, result.output.actions, result.output.modified_data) == ([], [], {})


@pytest.mark.parametrize(
    "ip",
    [
        "192.168", "192.168.1.1.1", "hello", "example.com", "8.8.8.8/24", "8.8.8.8, 1.1.1.1", "08.8.8.8", "256.1.1.1",
        "10.0.0.1", "172.16.5.4", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "240.0.0.1",  # noqa: S104  an address to refuse, nothing binds to it
        "255.255.255.255", "100.64.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1",
        "::ffff:10.0.0.1",
    ],
)  # fmt: skip
async def test_what_is_no_public_address_fails_without_a_call(ip: str) -> None:
    """For good: the field's value will not change by itself."""
    result = await run(ip, EVERYTHING)

    assert result.error is not None
    assert result.error.retryable is False
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 200, "json": {"status": "fail", "message": "reserved range"}}, False),
        ({"status": 200, "json": {}}, False),
        ({"status": 200, "text": "<html>"}, False),
        ({"status": 403, "text": ""}, False),
        ({"status": 429, "headers": {"X-Ttl": "17", "X-Rl": "0"}, "text": ""}, True),
        ({"status": 503, "text": ""}, True),
        ({"error": "timeout"}, True),
    ],
)
async def test_a_failed_lookup_is_retried_only_where_that_helps(reply: dict[str, Any], retryable: bool) -> None:
    """429, 5xx and timeouts pass; a refusal does not."""
    result = await run("8.8.8.8", EVERYTHING, reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.field("c1", "city") is None


async def test_the_free_service_is_left_alone_until_its_quota_is_back() -> None:
    """Ignoring it leads to a ban, and all workers share the address."""
    limited = await run("8.8.8.8", reply={"status": 429, "headers": {"X-Ttl": "17"}, "text": ""})
    again = await run("1.1.1.1", state=limited.state)

    assert limited.error.retry_after == 17
    assert again.error.retryable is True
    assert 0 < again.error.retry_after <= 17
    assert again.requests == []


async def test_an_address_is_looked_up_once() -> None:
    """The second run answers from the cache."""
    first = await run("8.8.8.8", EVERYTHING)
    second = await run("8.8.8.8", EVERYTHING, state=first.state)

    assert second.requests == []
    assert second.output.modified_data == first.output.modified_data


async def test_one_failing_write_does_not_stop_the_others() -> None:
    """Its action is left out."""
    result = await run("8.8.8.8", EVERYTHING, crm={"fail": {"set_field_value": ["state"]}})

    assert result.output.success
    assert [action.target for action in result.output.actions] == ["city", "land", "zip"]


async def test_when_every_write_fails_so_does_the_run() -> None:
    """The place is still reported."""
    result = await run("8.8.8.8", EVERYTHING, crm={"fail": {"set_field_value": True}})

    assert result.output.success is False
    assert result.output.actions == []
    assert result.output.modified_data["city"] == "Ashburn"


async def test_a_failing_read_is_no_empty_field() -> None:
    """An outage of the CRM is an error."""
    assert (await run("8.8.8.8", crm={"fail": {"get_field_value": ["ip"]}})).error is not None


async def test_the_address_field_is_required() -> None:
    """Everything else is optional."""
    assert (await run("8.8.8.8", {"ip_field": ""})).config_error is not None
