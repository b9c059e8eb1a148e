"""hook_it: goals in, webhooks out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import pytest

from helpers.testing import run_helper

URL = "https://hooks.example.com/in"
CONTACT = {
    "id": "c1",
    "first_name": "Ann",
    "email": "ann@example.com",
    "tags": [{"id": "5", "name": "VIP"}],
    "custom_fields": {"city": "Köln", "n": 3},
}
IDS = {"execution_id": "exec:1", "helper_id": "h1", "account_id": "acc"}
NOW = "2026-01-15T10:00:00Z"
UNIX = 1768471200


async def run(config: dict[str, Any], *replies: Any, **options: Any) -> Any:
    http = options.pop("http", [{"match": {}, "reply": reply} for reply in replies])
    crm = {"contact": CONTACT, **options.pop("crm", {})}
    return await run_helper("hook_it", config, crm=crm, http=http, ids=IDS, now=NOW, **options)


async def v2(*replies: Any, **config: Any) -> Any:
    return await run({"mode": "v2", "webhook_url": URL, **config}, *(replies or ({"status": 200, "text": "ok"},)))


def goals(result: Any) -> list[str]:
    return [action.value for action in result.output.actions if action.type == "goal_achieved"]


# sending ------------------------------------------------------------------------------------------------------
async def test_the_base_payload_and_headers() -> None:
    """Contact data, ids, unix time, and keys that let the receiver tell a repetition."""
    result = await v2()

    (request,) = result.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert json.loads(request.content) == {
        "contact_id": "c1",
        "account_id": "acc",
        "helper_id": "h1",
        "timestamp": UNIX,
        "contact_data": {
            "id": "c1",
            "first_name": "Ann",
            "last_name": "",
            "email": "ann@example.com",
            "phone": "",
            "company": "",
            "job_title": "",
            "tags": [{"id": "5", "name": "VIP"}],
            "custom_fields": {"city": "Köln", "n": 3},
        },
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "exec:1"
    assert request.headers["x-execution-id"] == "exec:1"
    assert request.headers["x-helper-id"] == "h1"
    assert result.output.modified_data == {
        "webhook_url": URL, "webhook_status_code": 200, "webhook_attempts": 1, "webhook_response": "ok",
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("webhook_called", URL, "200")]


async def test_get_has_no_body_and_adds_parameters_that_are_not_there() -> None:
    """They are not part of the reported URL."""
    result = await v2(webhook_method="GET", webhook_url=f"{URL}?contact_id=mine")

    request = result.requests[0]
    assert request.content == b""
    assert "content-type" not in request.headers
    assert dict(request.url.params) == {
        "contact_id": "mine", "account_id": "acc", "helper_id": "h1", "timestamp": str(UNIX),
    }  # fmt: skip
    assert result.output.modified_data["webhook_url"] == f"{URL}?contact_id=mine"


async def test_values_in_urls_are_encoded_and_unknown_ones_empty() -> None:
    """RFC 3986 unreserved characters stay."""
    result = await v2(webhook_url=f"{URL}/{{{{city}}}}?e={{{{ email }}}}&x={{{{nobody}}}}")

    assert str(result.requests[0].url) == f"{URL}/K%C3%B6ln?e=ann%40example.com&x="


@pytest.mark.parametrize(
    ("config", "header", "value"),
    [
        ({"auth_type": "bearer", "auth_token": "t0ken"}, "authorization", "Bearer t0ken"),
        ({"auth_type": "api_key", "auth_token": "t0ken"}, "x-api-key", "t0ken"),
        ({"auth_type": "api_key", "auth_token": "t0ken", "auth_header_name": "X-Mine"}, "x-mine", "t0ken"),
        ({"auth_type": "basic", "auth_username": "u", "auth_password": "p"}, "authorization", "Basic dTpw"),
        ({"auth_type": "basic", "auth_username": "u"}, "authorization", "Basic dTo="),
    ],
)
async def test_authentication(config: dict[str, Any], header: str, value: str) -> None:
    """And the secret is nowhere in the output, even when the receiver echoes it."""
    result = await v2({"status": 200, "text": f"you sent {config.get('auth_token')}"}, **config)

    assert result.requests[0].headers[header] == value
    assert "t0ken" not in str(result.output)


async def test_a_token_beyond_ascii_is_sent_as_utf_8() -> None:
    """And not refused by the HTTP client."""
    result = await v2({"status": 200}, auth_type="bearer", auth_token="tök")

    assert result.output.success
    assert (b"Authorization", "Bearer tök".encode()) in result.requests[0].headers.raw


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_hmac_signs_the_bytes_that_are_sent(method: str) -> None:
    """The earlier signature, and one that a replay cannot reuse; empty bytes for GET."""
    result = await v2(auth_type="hmac", hmac_secret="k", webhook_method=method)

    request = result.requests[0]
    body = request.content
    plain = base64.b64encode(hmac.new(b"k", body, hashlib.sha256).digest()).decode()
    dated = hmac.new(b"k", f"{UNIX}.".encode() + body, hashlib.sha256).hexdigest()
    assert request.headers["x-signature"] == plain
    assert request.headers["x-webhook-timestamp"] == str(UNIX)
    assert request.headers["x-webhook-signature"] == f"t={UNIX},v1={dated}"


@pytest.mark.parametrize(
    ("replies", "config", "attempts", "slept", "success"),
    [
        ([{"status": 500}, {"status": 200}], {}, 2, 1, True),
        ([{"error": "timeout"}, {"status": 429}, {"status": 200}], {}, 3, 3, True),
        ([{"status": 503}], {}, 3, 3, False),
        ([{"status": 503}], {"retry_enabled": False}, 1, 0, False),
        ([{"status": 503}], {"retry_enabled": "false"}, 1, 0, False),
        ([{"status": 503}], {"retry_max_attempts": 0}, 1, 0, False),
        ([{"status": 503}], {"retry_max_attempts": 99}, 8, 91, False),
        ([{"status": 404}, {"status": 200}], {}, 1, 0, False),
        ([{"status": 302}, {"status": 200}], {}, 1, 0, False),
        ([{"status": 429, "headers": {"Retry-After": "20"}}, {"status": 200}], {}, 2, 20, True),
        ([{"status": 429, "headers": {"Retry-After": "500"}}, {"status": 200}], {}, 2, 30, True),
    ],
)
async def test_its_own_attempts(
    replies: list[Any], config: dict[str, Any], attempts: int, slept: float, success: bool
) -> None:
    """1, 2, 4 ... s, a larger Retry-After up to 30 s, the whole loop at most two minutes; then terminal."""
    result = await v2(*replies, **config)

    assert result.output.success is success
    assert result.output.modified_data["webhook_attempts"] == len(result.requests) == attempts
    assert (result.clock.now() - datetime.fromisoformat(NOW)).total_seconds() == slept
    assert len({request.content for request in result.requests}) == 1
    assert {request.headers["idempotency-key"] for request in result.requests} == {"exec:1"}


async def test_a_broken_connection_reports_an_error_instead_of_a_status() -> None:
    """And no action: nothing answered."""
    result = await v2({"error": "timeout"}, retry_enabled=False)

    data = result.output.modified_data
    assert set(data) == {"webhook_url", "webhook_attempts", "error"}
    assert result.output.actions == []


@pytest.mark.parametrize("url", ["http://10.0.0.5/x", "http://metadata.google.internal/", "https://u:p@x.example/"])
async def test_a_private_target_gets_no_request(url: str) -> None:
    """A failed output, not an exception: the config may be saved."""
    result = await v2(webhook_url=url)

    assert result.config_error is None
    assert not result.output.success
    assert result.requests == []


async def test_a_redirect_to_no_url_is_final() -> None:
    """As any other redirect: no further attempt."""
    result = await v2({"status": 302, "headers": {"Location": "http://[zz]/"}})

    assert not result.output.success
    assert len(result.requests) == 1


@pytest.mark.parametrize("url", ["https://xn--.com/", "https://b..example/", "https://b.example:99999/"])
async def test_v4_goes_on_after_an_entry_whose_url_leads_nowhere(url: str) -> None:
    """A name that cannot be decoded and an impossible port are failed results."""
    result = await run({"mode": "v4", "batch_webhooks": [{"url": url}, {"url": URL}]}, {"status": 200})

    data = result.output.modified_data
    assert result.output.success
    assert [entry["success"] for entry in data["batch_results"]] == [False, True]
    assert len(result.requests) == 1


# modes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "input_", "fired"),
    [
        ({}, {}, []),
        ({}, {"hook_action": "contact.add"}, ["newcontacth1"]),
        ({}, {"event_key": "invoice.add"}, ["newinvoiceh1"]),
        ({"hook_action": "order.add"}, {}, ["neworderh1"]),
        ({}, {"hook_action": "thing.done"}, ["thing.doneh1"]),
        ({"goal_prefix": "my"}, {"hook_action": "contact.add"}, ["myh1"]),
        ({"hook_action": "order.add"}, {"hook_action": "contact.add"}, []),
        ({"goal_prefix": "my"}, {}, []),
        (
            {"actions": [{"event": "a", "goal_name": "ga"}, {"event": "b", "goal_name": "gb"}, {"event": "a"}, "x"]},
            {"hook_action": "a"},
            ["ah1", "ga"],
        ),
        ({"actions": [{"event": "a", "goal_name": "ga"}, {"event": "b", "goal_name": "gb"}]}, {}, ["ga", "gb"]),
    ],
)
async def test_basic_fires_goals(config: dict[str, Any], input_: dict[str, Any], fired: list[str]) -> None:
    """The default goal of the event, then the configured ones; nothing to fire is success."""
    result = await run(config, input=input_)

    assert result.output.success
    assert goals(result) == fired
    assert result.output.modified_data["goals_fired"] == len(fired)


async def test_basic_fails_with_its_default_goal_or_with_all_of_its_goals() -> None:
    """Go reported success."""
    default = await run({}, input={"hook_action": "a"}, crm={"fail": {"achieve_goal": True}})
    listed = await run({"actions": [{"event": "a", "goal_name": "g"}]}, crm={"fail": {"achieve_goal": True}})
    one = await run(
        {"actions": [{"event": "a", "goal_name": "g"}, {"event": "a", "goal_name": "h"}]},
        crm={"fail": {"achieve_goal": ["g"]}},
    )

    assert default.error is not None
    assert listed.error is not None
    assert goals(one) == ["h"]


async def test_v2_maps_the_answer_to_fields() -> None:
    """Dotted paths, indexes, null and missing values skipped; the action counts."""
    answer = {"data": {"id": 7, "list": ["a", "b"], "none": None}, "orderId": "9"}
    mappings = [
        {"response_field": "data.id", "crm_field": "ext_id"},
        {"response_field": "$.data.list.1", "crm_field": "second"},
        {"response_field": "data.none", "crm_field": "x"},
        {"response_field": "data.missing", "crm_field": "y"},
        {"response_field": "order_id", "crm_field": "order"},
        {"response_field": "", "crm_field": "z"},
    ]
    result = await v2({"status": 200, "json": answer}, parse_response=True, response_mappings=mappings)

    fields = {key: result.crm.field("c1", key) for key in ("ext_id", "second", "order", "x")}
    assert fields == {"ext_id": 7, "second": "b", "order": "9", "x": None}
    assert [(a.type, a.value) for a in result.output.actions] == [("webhook_called", "200"), ("contact_updated", 3)]


async def test_v2_takes_an_answer_that_is_no_json() -> None:
    """Logged, still success."""
    result = await v2(
        {"status": 200, "text": "<html>"},
        parse_response=True,
        response_mappings=[{"response_field": "a", "crm_field": "b"}],
    )

    assert result.output.success
    assert result.output.logs


async def test_v3_transforms_fields() -> None:
    """Only texts are transformed, missing fields are null, entries with a blank part are skipped."""
    transforms = [
        {"field": "email", "transform": "uppercase", "output": "e"},
        {"field": "email", "transform": "hash_sha256", "output": "h"},
        {"field": "n", "transform": "uppercase", "output": "n"},
        {"field": "nobody", "transform": "trim", "output": "x"},
        {"field": "email", "transform": "", "output": "y"},
    ]
    result = await run({"mode": "v3", "webhook_url": URL, "field_transforms": transforms}, {"status": 200})

    payload = json.loads(result.requests[0].content)
    assert payload["transformed_fields"] == {
        "e": "ANN@EXAMPLE.COM", "h": hashlib.sha256(b"ann@example.com").hexdigest(), "n": 3, "x": None,
    }  # fmt: skip
    assert payload["contact_data"]["id"] == "c1"
    assert result.output.modified_data["payload"] == result.requests[0].content.decode()


@pytest.mark.parametrize(
    ("op", "value", "matches"),
    [
        ("equals", "Köln", True),
        ("equals", "köln", False),
        ("not_equals", "x", True),
        ("contains", "öl", True),
        ("not_contains", "öl", False),
        ("exists", "", True),
        ("not_exists", "", False),
    ],
)
async def test_v3_sends_the_payload_of_the_first_rule_that_holds(op: str, value: str, matches: bool) -> None:
    """Its texts are merged; no contact data goes along; without a match the base is sent."""
    rules = [
        {"condition_field": "city", "condition_op": op, "condition_value": value, "payload_data": {"who": "{{email}}"}},
        {"condition_field": "n", "condition_op": "equals", "condition_value": "4", "payload_data": {"who": "nobody"}},
    ]
    config = {"mode": "v3", "webhook_url": URL, "conditional_payload": "true", "payload_rules": rules}
    result = await run(config, {"status": 200})

    payload = json.loads(result.requests[0].content)
    assert "contact_data" not in payload
    assert payload.get("who") == ("ann@example.com" if matches else None)


async def test_v4_calls_every_webhook_of_the_batch() -> None:
    """In config order, with an index and a key of their own; one that works is enough."""
    batch = [{"url": f"{URL}/a"}, {"url": ""}, {"url": "http://10.0.0.1/b", "method": "PUT"}, {"url": f"{URL}/c"}]
    http = [
        {"match": {"url_contains": "/a"}, "reply": {"status": 200, "text": "fine"}},
        {"match": {"url_contains": "/c"}, "reply": {"status": 400, "text": "bad"}},
    ]
    result = await run({"mode": "v4", "batch_webhooks": batch}, http=http)

    data = result.output.modified_data
    assert (data["batch_count"], data["success_count"], result.output.success) == (3, 1, True)
    assert [entry["index"] for entry in data["batch_results"]] == [0, 2, 3]
    assert data["batch_results"][0] == {
        "index": 0, "url": f"{URL}/a", "method": "POST", "success": True, "status_code": 200, "response": "fine",
    }  # fmt: skip
    assert "error" in data["batch_results"][1]
    assert data["batch_results"][2]["status_code"] == 400
    assert {request.headers["idempotency-key"] for request in result.requests} == {"exec:1:0", "exec:1:3"}
    assert [(a.type, a.target) for a in result.output.actions] == [("webhook_called", f"{URL}/a")]


async def test_v4_fails_when_no_webhook_works() -> None:
    """A failed output with all results."""
    result = await run({"mode": "v4", "batch_webhooks": [{"url": URL}]}, {"status": 400})

    assert not result.output.success
    assert result.output.modified_data["success_count"] == 0


async def test_v4_without_a_batch_is_v2_and_async_changes_nothing() -> None:
    """The webhook is sent; the flag is reported as not queued."""
    result = await run({"mode": "v4", "webhook_url": URL, "async_execution": True}, {"status": 200})

    assert len(result.requests) == 1
    assert result.output.modified_data["async_queued"] is False


async def test_v4_limits_the_rate_by_minute() -> None:
    """Over the limit: retryable, until the next minute."""
    config = {"mode": "v4", "webhook_url": URL, "rate_limit_enabled": True, "rate_limit_rpm": 0}
    first = await run(config, {"status": 200})
    second = await run_helper(
        "hook_it", config, crm={"contact": CONTACT}, ids={**IDS, "execution_id": "exec:2"},
        now="2026-01-15T10:00:20Z", state=first.state,
    )  # fmt: skip

    assert first.output.success
    assert second.error is not None
    assert (second.error.retryable, second.error.retry_after) == (True, 40.0)


@pytest.mark.parametrize(
    ("config", "input_", "processed"),
    [
        ({}, {"tag_id": 5}, True),
        ({"tag_event": "any"}, {"tag_id": "5", "tag_event": "tag_removed"}, True),
        ({}, {"triggered_tag_id": "5", "triggered_event": "tag_removed"}, False),
        ({"tag_ids": ["6"]}, {"tag_id": "5"}, False),
        ({"tag_ids": [5, "6"]}, {"tag_id": "5"}, True),
        ({"triggered_tag_id": "5", "tag_ids": ["5"]}, {}, True),
    ],
)
async def test_by_tag_follows_its_filter(config: dict[str, Any], input_: dict[str, Any], processed: bool) -> None:
    """The config's tag_event and tag_ids are the filter, never the event."""
    base = {"mode": "by_tag", "tag_event": "tag_applied", "tag_action_goal": "g", "tag_action_webhook": URL}
    result = await run({**base, **config}, {"status": 200}, input=input_)

    assert result.output.modified_data["processed"] is processed
    assert goals(result) == (["g"] if processed else [])
    assert len(result.requests) == processed
    if processed:
        payload = json.loads(result.requests[0].content)
        assert (payload["tag_id"], result.output.modified_data["webhook_status_code"]) == ("5", 200)


async def test_by_tag_fails_only_when_everything_failed() -> None:
    """One of the two is logged."""
    config = {"mode": "by_tag", "tag_event": "any", "tag_action_goal": "g", "tag_action_webhook": URL}
    half = await run(config, {"status": 404}, input={"tag_id": "5"})
    none = await run(config, {"status": 404}, input={"tag_id": "5"}, crm={"fail": {"achieve_goal": True}})

    assert half.output.success
    assert half.output.logs
    assert not none.output.success


async def test_a_redelivered_execution_sends_nothing_again() -> None:
    """The recorded answer is reported."""
    first = await run({"mode": "v2", "webhook_url": URL}, {"status": 200, "text": "one"})
    again = await run({"mode": "v2", "webhook_url": URL}, {"status": 200, "text": "two"}, state=first.state)

    assert again.requests == []
    assert again.output.modified_data == first.output.modified_data


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"mode": "v5"}, "mode"),
        ({"mode": "v2"}, "webhook_url"),
        ({"mode": "v3", "webhook_url": " "}, "webhook_url"),
        ({"mode": "v4", "batch_webhooks": []}, "webhook_url"),
        ({"mode": "by_tag", "tag_action_goal": "g"}, "tag_event"),
        ({"mode": "by_tag", "tag_event": "any"}, "tag_action_goal"),
        ({"mode": "v2", "webhook_url": URL, "auth_type": "bearer"}, "auth_token"),
        ({"mode": "v2", "webhook_url": URL, "auth_type": "api_key", "auth_token": ""}, "auth_token"),
        ({"mode": "v2", "webhook_url": URL, "auth_type": "bearer", "auth_token": "  "}, "auth_token"),
        ({"mode": "v2", "webhook_url": URL, "auth_type": "basic"}, "auth_username"),
        ({"mode": "v2", "webhook_url": URL, "auth_type": "hmac"}, "hmac_secret"),
        ({"mode": "v2", "webhook_url": URL, "auth_header_name": "Host"}, "auth_header_name"),
        ({"mode": "v2", "webhook_url": URL, "webhook_method": "TRACE"}, "webhook_method"),
        ({"mode": "v2", "webhook_url": "https://{{city}}.example.com/x"}, "webhook_url"),
        ({"mode": "v4", "batch_webhooks": [{"url": "{{scheme}}://x/"}]}, "webhook_url"),
        ({"mode": "v4", "batch_webhooks": [{"url": URL, "method": "DELETE"}]}, "batch_webhooks"),
    ],
)
async def test_a_bad_config_is_refused(config: dict[str, Any], named: str) -> None:
    """Go sent unauthenticated instead; a placeholder must not choose the host."""
    result = await run(config)

    assert result.config_error is not None
    assert named in str(result.config_error)


async def test_an_empty_config_is_valid() -> None:
    """basic with nothing to fire; an auth type without a secret does not matter where nothing is sent."""
    assert (await run({})).output.success
    assert (await run({"auth_type": "bearer"})).config_error is None


async def test_an_answer_beyond_the_shown_part_is_mapped_too() -> None:
    """Outputs show 10,000 characters; the mapping reads the whole answer, and a redelivery its recorded values."""
    config = {
        "mode": "v2", "webhook_url": "https://hooks.example.com/", "parse_response": True,
        "response_mappings": [{"response_field": "a.0.b", "crm_field": "Target"}],
    }  # fmt: skip
    http = [{"match": {}, "reply": {"status": 200, "json": {"pad": "x" * 20_000, "a": [{"b": 5}]}}}]
    options: dict[str, Any] = {"crm": {"contact": {"id": "c1"}}, "ids": {"execution_id": "exec:1"}}
    first = await run_helper("hook_it", config, http=http, **options)
    second = await run_helper("hook_it", config, state=first.state, **options)

    for result in (first, second):
        assert result.output is not None
        assert len(result.output.modified_data["webhook_response"]) == 10_000
        assert [(a.type, a.value) for a in result.output.actions] == [("webhook_called", "200"), ("contact_updated", 1)]
        assert result.crm.field("c1", "Target") == 5
    assert second.requests == []


async def test_an_echo_of_basic_authentication_is_masked() -> None:
    """User and password travel as one encoded text."""
    config = {"auth_type": "basic", "auth_username": "user", "auth_password": "pass-word"}
    result = await v2({"status": 200, "text": "Authorization: Basic dXNlcjpwYXNzLXdvcmQ="}, **config)

    assert result.output.modified_data["webhook_response"] == "Authorization: Basic ***"


@pytest.mark.parametrize(
    "key", ["actions", "response_mappings", "payload_rules", "field_transforms", "batch_webhooks", "tag_ids"]
)
@pytest.mark.parametrize("blank", ["", None])
async def test_a_list_that_was_not_filled_in_is_absent(key: str, blank: Any) -> None:
    """The old forms store blanks."""
    assert (await run({key: blank})).config_error is None


@pytest.mark.parametrize("entry", [7, None, "x", {"event": "a"}, {"event": 5, "goal_name": "g"}, {"goal_name": "g"}])
async def test_an_unusable_entry_of_actions_is_skipped(entry: Any) -> None:
    """It does not keep the others from firing."""
    result = await run({"actions": [entry, {"event": "a", "goal_name": "g1"}]}, input={"event_key": "a"})

    assert [goal for goal in goals(result) if not goal.startswith("ah")] == ["g1"]


async def test_v4_without_a_batch_maps_the_answer_as_v2_does() -> None:
    """In a batch nothing is mapped."""
    config = {"parse_response": True, "response_mappings": [{"response_field": "a", "crm_field": "Target"}]}
    answer = {"status": 200, "json": {"a": 5}}
    single = await run({"mode": "v4", "webhook_url": URL, **config}, answer)
    batch = await run({"mode": "v4", "batch_webhooks": [{"url": URL}], **config}, answer)

    assert single.crm.field("c1", "Target") == 5
    assert batch.crm.field("c1", "Target") is None


async def test_get_leaves_the_query_of_the_url_as_it_is() -> None:
    """It may be signed; blanks around the URL are not part of it."""
    url = f"{URL}?a=b%20c&flag&sig=x%2Fy+z&account_id="
    result = await v2(webhook_method="GET", webhook_url=f" {url} ")

    assert str(result.requests[0].url) == f"{url}&contact_id=c1&helper_id=h1&timestamp={UNIX}"
    assert result.output.modified_data["webhook_url"] == url
