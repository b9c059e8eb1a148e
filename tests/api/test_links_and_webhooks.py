"""Routing links for visitors, webhooks of Stripe and Zoom, and the test of a connection."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from api.signatures import STRIPE_TOLERANCE_SECONDS, verify_stripe, verify_zoom
from fleet.local.demo.scenario import ACCOUNT as DEMO_ACCOUNT
from fleet.local.demo.seed import connect_sandbox
from fleet.testing.streams.faults import client_error
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import seed
from helpers.crm.sandbox.store import SandboxStore
from helpers.ports import StoredHelper

pytestmark = pytest.mark.stack


async def store_helper(api: Any, key: str, helper_type: str, config: dict[str, Any], **values: Any) -> StoredHelper:
    helper = StoredHelper(
        helper_id=f"helper:{key}", helper_type=helper_type, account_id=values.pop("account_id", DEMO_ACCOUNT),
        short_key=key, config=config, **values,
    )  # fmt: skip
    await api.backend.helpers.put(helper)
    return helper


# links --------------------------------------------------------------------------------------------------------
async def test_a_link_sends_the_visitor_on(api: Any) -> None:
    """Without a key, without a cache; the run is counted."""
    await store_helper(api, "go", "route_it", {"routes": [{"redirectUrl": "https://example.com/start"}]})

    answer = await api.client.get("/r/go", headers={"X-API-Key": ""})

    assert answer.status_code == 302
    assert answer.headers["location"] == "https://example.com/start"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_link_may_route_by_the_contact_and_writes_to_it(api: Any) -> None:
    """contact_id in the query; the tail runs in the CRM."""
    store = SandboxStore(api.backend.settings.sandbox_crm_path)
    seed(SandboxConnector(store), {"contacts": [{"id": "c1", "fields": {"plan": "gold"}}]})
    await connect_sandbox(api.backend.settings, api.aws)
    config = {"field_name": "plan", "value_routes": {"gold": "https://example.com/gold"}, "save_to_field": "sent_to"}
    await store_helper(api, "plan", "route_it_by_custom", config, connection_id="connection:sandbox")

    answer = await api.client.get("/r/plan", params={"contact_id": "c1"})

    assert answer.headers["location"] == "https://example.com/gold"
    assert store.value("c1", "sent_to") == "https://example.com/gold"
    store.close()


@pytest.mark.parametrize("key", ["nobody", "off", "tag"])
async def test_only_routing_helpers_that_are_on_have_a_link(api: Any, key: str) -> None:
    """A public link must not run anything else."""
    await store_helper(api, "off", "route_it", {"routes": [{"redirectUrl": "https://x.example/"}]}, enabled=False)
    await store_helper(api, "tag", "tag_it", {"action": "apply", "tag_ids": ["1"]})

    answer = await api.client.get(f"/r/{key}")

    assert answer.status_code in (404, 409)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_link_without_a_destination_is_a_problem(api: Any) -> None:
    """No fallback is configured."""
    await store_helper(api, "never", "route_it_by_day", {"day_routes": {"Someday": "https://example.com/"}})

    answer = await api.client.get("/r/never")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:mfh:problem:no_destination")


async def test_a_visitor_is_sent_on_although_the_run_cannot_be_counted(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail to thousands is opened at once: DynamoDB throttles the one row that counts."""

    async def throttled(*_: Any) -> None:
        raise client_error("UpdateItem", "ThrottlingException")

    monkeypatch.setattr(api.backend.helpers, "count_run", throttled)
    await store_helper(api, "go", "route_it", {"routes": [{"redirectUrl": "https://example.com/start"}]})

    assert (await api.client.get("/r/go")).status_code == 302


# webhooks -----------------------------------------------------------------------------------------------------
def stripe(body: bytes, secret: str = "whsec", age: float = 0) -> str:
    stamp = int(time.time() - age)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


@pytest.fixture
async def stripe_helper(api: Any) -> StoredHelper:
    return await store_helper(api, "stripe", "stripe_hooks", {"selected_events": ["invoice.*"]})


EVENT = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid"}).encode()


async def test_a_signed_stripe_event_becomes_one_execution(api: Any, stripe_helper: StoredHelper) -> None:
    """However often Stripe delivers it."""
    headers = {"Stripe-Signature": stripe(EVENT), "X-API-Key": ""}
    first = await api.client.post("/webhooks/stripe", content=EVENT, headers=headers)
    again = await api.client.post("/webhooks/stripe", content=EVENT, headers={"Stripe-Signature": stripe(EVENT)})

    assert first.status_code == again.status_code == 202
    assert first.json()["execution_id"] == again.json()["execution_id"]
    stored = await api.backend.executions.get(first.json()["execution_id"])
    assert (stored.input["id"], stored.trigger_type, stored.helper_id) == ("evt_1", "webhook", stripe_helper.helper_id)


@pytest.mark.parametrize(
    "signature",
    ["", "t=1", "v1=abc", "t=x,v1=abc", stripe(EVENT, secret="other"), stripe(EVENT, age=STRIPE_TOLERANCE_SECONDS + 5)],
    ids=["missing", "no signature", "no time", "no number", "another secret", "too old"],
)
async def test_an_unsigned_event_is_refused(api: Any, stripe_helper: StoredHelper, signature: str) -> None:
    """Nothing is stored."""
    answer = await api.client.post("/webhooks/stripe", content=EVENT, headers={"Stripe-Signature": signature})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:mfh:problem:signature_refused")
    assert (await api.aws.dynamodb.scan(TableName=api.backend.settings.executions_table))["Count"] == 0


def test_one_of_several_stripe_signatures_is_enough() -> None:
    """While a secret is rolled Stripe signs with both."""
    stamp = 1_800_000_000
    digest = hmac.new(b"s", f"{stamp}.".encode() + b"{}", hashlib.sha256).hexdigest()

    verify_stripe(f"t={stamp},v1=00,v1={digest}", b"{}", "s", stamp)


def zoom(body: bytes, age: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    digest = hmac.new(b"zoomsec", f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-zm-request-timestamp": stamp, "x-zm-signature": f"v0={digest}"}


async def test_a_signed_zoom_event_becomes_an_execution(api: Any) -> None:
    """And Zoom's check of the endpoint is answered."""
    await store_helper(api, "zoom", "zoom_webinar_participant", {})
    body = b'{"event": "webinar.ended", "event_ts": 1}'
    accepted = await api.client.post("/webhooks/zoom", content=body, headers=zoom(body))
    check = b'{"event": "endpoint.url_validation", "payload": {"plainToken": "abc"}}'
    validated = await api.client.post("/webhooks/zoom", content=check, headers=zoom(check))
    forged = await api.client.post("/webhooks/zoom", content=body, headers={**zoom(body), "x-zm-signature": "v0=1"})

    assert accepted.status_code == 202
    assert validated.json() == {
        "plainToken": "abc", "encryptedToken": hmac.new(b"zoomsec", b"abc", hashlib.sha256).hexdigest(),
    }  # fmt: skip
    assert forged.status_code == 401


async def test_a_zoom_event_that_is_delivered_again_is_the_same_execution(api: Any) -> None:
    """Zoom signs a repeated delivery with its own time; another event of the same millisecond is another execution."""
    await store_helper(api, "zoom", "zoom_webinar_participant", {})
    body = b'{"event": "webinar.participant_joined", "event_ts": 1, "payload": {"who": "%s"}}'
    ann, bob = body % b"ann", body % b"bob"

    first, again, other = [
        (await api.client.post("/webhooks/zoom", content=content, headers=zoom(content, age=age))).json()
        for content, age in ((ann, 60), (ann, 0), (bob, 60))
    ]

    assert first["execution_id"] == again["execution_id"] != other["execution_id"]


@pytest.mark.parametrize(
    ("body", "query", "field"),
    [
        (b'{"event": "endpoint.url_validation", "payload": []}', "", "payload.plainToken"),
        (b'{"event": "endpoint.url_validation"}', "", "payload.plainToken"),
        (b'{"event": "webinar.ended", "event_ts": 1}', "?contact_id=" + "c" * 600, "contact_id"),
        (b'{"event": "webinar.ended", "event_ts": 1e400}', "", "input.event_ts"),
    ],
)
async def test_a_signed_event_of_a_wrong_shape_is_refused(api: Any, body: bytes, query: str, field: str) -> None:
    """422 that names the field, never a 500."""
    await store_helper(api, "zoom", "zoom_webinar_participant", {})

    answer = await api.client.post(f"/webhooks/zoom{query}", content=body, headers=zoom(body))

    assert answer.status_code == 422
    assert field in answer.json()["detail"]


@pytest.mark.parametrize(("signature", "stamp"), [("", "1"), ("v0=1", ""), ("v0=1", "x"), ("v0=1", "1000")])
def test_a_zoom_request_without_a_fresh_signature_is_refused(signature: str, stamp: str) -> None:
    """Missing, malformed or old."""
    with pytest.raises(Exception, match="x-zm"):
        verify_zoom(signature, stamp, b"{}", "s", 1_800_000_000)


async def test_other_helpers_take_no_webhooks(api: Any) -> None:
    """404."""
    await store_helper(api, "tag", "tag_it", {"action": "apply", "tag_ids": ["1"]})

    answer = await api.client.post("/webhooks/tag", content=b"{}")

    assert answer.status_code == 404


# connections --------------------------------------------------------------------------------------------------
async def test_a_connection_is_tested_for_its_own_account(api: Any) -> None:
    """Another account's looks like none at all."""
    await connect_sandbox(api.backend.settings, api.aws)
    key = await api.backend.api_keys.create(DEMO_ACCOUNT, "user:1", "test")

    own = await api.client.get("/connections/connection:sandbox/test", headers={"X-API-Key": key})
    foreign = await api.client.get("/connections/connection:sandbox/test")
    unknown = await api.client.get("/connections/connection:none/test", headers={"X-API-Key": key})

    assert (own.json()["ok"], own.json()["platform_slug"]) == (True, "sandbox")
    assert foreign.status_code == unknown.status_code == 404
