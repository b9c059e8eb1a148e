"""The HTTP API: what it accepts, what it refuses, and how it says so."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fleet.api_keys import ApiKeys, key_hash
from fleet.executions import ExecutionStore
from fleet.marshalling import item, plain
from fleet.stored_helpers import StoredHelpers
from helpers import registry
from tests.api.conftest import ACCOUNT, CONFIG, HELPER_ID, Api, problem

pytestmark = pytest.mark.stack


async def test_an_execution_is_accepted_and_stored_with_the_config_frozen(api: Api) -> None:
    """202 with id, helper and status; the item holds who asked, and the config of this moment."""
    answer = await api.execute()

    assert answer.status_code == 202
    body = answer.json()
    assert body == {"execution_id": body["execution_id"], "helper_id": HELPER_ID, "status": "queued"}
    assert answer.headers["location"] == f"/executions/{body['execution_id']}"
    stored = await api.backend.executions.get(body["execution_id"])
    assert stored is not None
    assert (stored.config, stored.input, stored.contact_id) == (CONFIG, {"n": 1}, "c1")
    assert (stored.account_id, stored.user_id, stored.connection_id) == (ACCOUNT, "user:1", "connection:1")
    assert stored.api_key_id.startswith("key:")
    assert stored.ttl is not None


async def test_a_raw_api_key_is_stored_nowhere(api: Api) -> None:
    """Neither the keys table nor the execution holds the key, only its SHA-256."""
    raw = api.client.headers["X-API-Key"]
    await api.execute()

    for table in (api.backend.settings.api_keys_table, api.backend.settings.executions_table):
        rows = (await api.aws.dynamodb.scan(TableName=table))["Items"]
        assert rows
        assert raw not in str(rows)
    keys = (await api.aws.dynamodb.scan(TableName=api.backend.settings.api_keys_table))["Items"]
    assert plain(keys[0])["key_hash"] == key_hash(raw)


@pytest.mark.parametrize("identifier", [HELPER_ID, HELPER_ID.removeprefix("helper:"), "tagger"])
async def test_a_helper_is_found_by_id_bare_uuid_and_short_key(api: Api, identifier: str) -> None:
    """All three name the same helper."""
    answer = await api.execute(identifier)

    assert answer.json()["helper_id"] == HELPER_ID


async def test_the_contact_may_come_from_the_query_and_the_body_wins(api: Api) -> None:
    """Other query parameters are kept for the helper."""
    from_query = await api.execute(params={"contact_id": "c7", "utm_source": "x"}, json={})
    both = await api.execute(params={"contact_id": "c7"}, json={"contact_id": 42})

    first = await api.backend.executions.get(from_query.json()["execution_id"])
    second = await api.backend.executions.get(both.json()["execution_id"])
    assert first is not None
    assert second is not None
    assert (first.contact_id, first.query_params) == ("c7", {"utm_source": "x"})
    assert second.contact_id == "42"


async def test_an_empty_body_is_an_empty_request(api: Api) -> None:
    """Clicks from a CRM often carry nothing but the query."""
    answer = await api.client.post(f"/helpers/{HELPER_ID}/execute?contact_id=c1")

    assert answer.status_code == 202


async def test_the_same_idempotency_key_answers_with_the_same_execution(api: Api) -> None:
    """Also after the helper's config has changed: the first request was frozen."""
    headers = {"Idempotency-Key": "order-17"}
    first = await api.execute(headers=headers)
    stored = await api.backend.helpers.find(HELPER_ID, ACCOUNT)
    assert stored is not None
    await api.backend.helpers.put(stored.model_copy(update={"config": {"action": "remove", "tag_ids": ["1"]}}))

    again = await api.execute(headers=headers)
    other = await api.execute(headers={"Idempotency-Key": "order-18"})

    assert again.status_code == 202
    assert again.json()["execution_id"] == first.json()["execution_id"]
    assert other.json()["execution_id"] != first.json()["execution_id"]


async def test_an_idempotency_key_cannot_be_used_for_another_request(api: Api) -> None:
    """A silent answer with somebody else's execution would hide a bug of the caller."""
    headers = {"Idempotency-Key": "order-17"}
    await api.execute(headers=headers)

    answer = await api.execute(headers=headers, json={"contact_id": "c2"})

    problem(answer, 422, "idempotency_key_reused")


async def test_two_accounts_may_use_the_same_idempotency_key(api: Api) -> None:
    """The key is scoped by the account."""
    first = await api.execute(headers={"Idempotency-Key": "1"})
    other_key = await ApiKeys(api.aws.dynamodb, api.backend.settings.api_keys_table).create("account:2", "u", "n")

    second = await api.execute("helper:foreign", headers={"Idempotency-Key": "1", "X-API-Key": other_key})

    assert second.status_code == 202
    assert second.json()["execution_id"] != first.json()["execution_id"]


@pytest.mark.parametrize(
    ("helper_id", "status", "code"),
    [
        ("helper:nobody", 404, "helper_not_found"),
        ("nobody", 404, "helper_not_found"),
        ("helper:foreign", 404, "helper_not_found"),
        ("foreign", 404, "helper_not_found"),
        ("helper:gone", 404, "helper_not_found"),
        ("helper:off", 409, "helper_disabled"),
        ("helper:old", 409, "helper_type_unknown"),
    ],
)
async def test_a_helper_that_may_not_run_is_refused(api: Api, helper_id: str, status: int, code: str) -> None:
    """Another account's helper looks like none at all; nothing is stored."""
    problem(await api.execute(helper_id), status, code)

    assert (await api.aws.dynamodb.scan(TableName=api.backend.settings.executions_table))["Count"] == 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b'{"input": NaN}', 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_json"),
        (b"[]", 422, "invalid_request"),
        (b'"text"', 422, "invalid_request"),
        (b'{"contact_id": {}}', 422, "invalid_request"),
        (b'{"contact_id": true}', 422, "invalid_request"),
        (b'{"input": []}', 422, "invalid_request"),
        (b'{"contact": "c1"}', 422, "invalid_request"),
        (b'{"contact_id": "' + b"c" * 513 + b'"}', 422, "invalid_request"),
        (b"{}", 422, "contact_missing"),
        (b'{"contact_id": "\\ud800"}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": 1e400}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": 1e126}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": 1e-131}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": 1' + b"0" * 38 + b"1}}", 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": "\\ud800"}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": {"\\ud800": 1}}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"": 1}}', 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": ' + b'{"a":' * 33 + b"1" + b"}" * 34, 422, "invalid_request"),
        (b'{"contact_id": "c1", "input": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", 422, "invalid_request"),
        (b'{"contact_id": " "}', 422, "contact_missing"),
        (b'{"contact_id": "c1", "input": {"x": "' + b"x" * 400_000 + b'"}}', 413, "body_too_large"),
    ],
)
async def test_a_bad_body_is_a_clear_refusal(api: Api, content: bytes, status: int, code: str) -> None:
    """Never a 500, and nothing is stored."""
    problem(await api.execute(json=None, content=content), status, code)

    assert (await api.aws.dynamodb.scan(TableName=api.backend.settings.executions_table))["Count"] == 0


async def test_a_query_parameter_without_a_name_is_refused(api: Api) -> None:
    """DynamoDB stores no empty key."""
    answer = await api.client.post(f"/helpers/{HELPER_ID}/execute?=x", json={"contact_id": "c1"})

    assert problem(answer, 422, "invalid_request")["errors"][0]["field"] == "query_params"


async def test_a_refused_field_is_named_with_its_remedy(api: Api) -> None:
    """``errors`` lists every field."""
    body = problem(await api.execute(json={"contact_id": [], "inputs": {}}), 422, "invalid_request")

    assert [error["field"] for error in body["errors"]] == ["contact_id", "inputs"]
    assert all(error["remedy"] for error in body["errors"])


async def test_a_helper_that_needs_no_contact_runs_without_one(api: Api) -> None:
    """chain_it has none of its own."""
    answer = await api.execute("helper:chain", json={})

    assert answer.status_code == 202


@pytest.mark.parametrize("headers", [{"X-API-Key": ""}, {"X-API-Key": "mfh_wrong"}])
async def test_a_missing_or_unknown_key_is_unauthorised(api: Api, headers: dict[str, str]) -> None:
    """401 says which header to send."""
    answer = await api.execute(headers=headers)

    code = "api_key_refused" if headers["X-API-Key"] else "api_key_missing"
    problem(answer, 401, code)
    assert "X-API-Key" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("change", [{"status": "revoked"}, {"expires_at": "2020-01-01T00:00:00Z"}])
async def test_a_revoked_or_expired_key_is_refused(api: Api, change: dict[str, str]) -> None:
    """The row stays, the key does not work."""
    table = api.backend.settings.api_keys_table
    row = plain((await api.aws.dynamodb.scan(TableName=table))["Items"][0])
    await api.aws.dynamodb.put_item(TableName=table, Item=item({**row, **change}))

    problem(await api.execute(), 401, "api_key_refused")


async def test_an_execution_is_shown_without_its_config(api: Api) -> None:
    """Configs may hold secrets; the view says what it waits for."""
    execution_id = (await api.execute()).json()["execution_id"]

    body = (await api.get(f"/executions/{execution_id}")).json()

    assert body["status"] == "queued"
    assert "queued behind earlier work" in body["waiting_for"]
    assert "config" not in body
    assert "'77'" not in str(body)


@pytest.mark.parametrize("path", ["/executions/{}", "/connections/{}/test", "/r/{}"])
async def test_an_id_too_long_to_be_one_is_refused(api: Api, path: str) -> None:
    """The table takes keys of 2,048 bytes; the answer names the parameter."""
    body = problem(await api.get(path.format("x" * 3000)), 422, "invalid_request")

    assert "path." in body["detail"]


async def test_a_finished_execution_shows_its_result(api: Api) -> None:
    """The stored JSON text comes out as an object."""
    store: ExecutionStore = api.backend.executions
    execution_id = (await api.execute()).json()["execution_id"]
    await store.complete(await store.claim(execution_id, "w1", 30), {"success": True, "message": "done"})

    body = (await api.get(f"/executions/{execution_id}")).json()

    assert (body["status"], body["attempts"]) == ("completed", 1)
    assert body["output"] == {"success": True, "message": "done"}
    assert "waiting_for" not in body


async def test_a_retry_says_when_and_why(api: Api) -> None:
    """The sentence names the next attempt, its time and the error before it."""
    store = api.backend.executions
    execution_id = (await api.execute()).json()["execution_id"]
    held = await store.claim(execution_id, "w1", 30)
    running = (await api.get(f"/executions/{execution_id}")).json()["waiting_for"]
    await store.retry_later(held, after_seconds=60, error_type="CrmError", error_message="429")

    waiting = (await api.get(f"/executions/{execution_id}")).json()["waiting_for"]

    assert running == "worker w1 runs attempt 1"
    assert waiting.startswith("attempt 2 at ")
    assert waiting.endswith("after CrmError")


async def test_another_accounts_execution_does_not_exist(api: Api) -> None:
    """404 for a foreign id as for an unknown one."""
    execution_id = (await api.execute()).json()["execution_id"]
    other_key = await api.backend.api_keys.create("account:2", "u", "n")

    foreign = await api.client.get(f"/executions/{execution_id}", headers={"X-API-Key": other_key})

    problem(foreign, 404, "execution_not_found")
    problem(await api.get("/executions/exec:nothing"), 404, "execution_not_found")


async def test_executions_are_listed_in_pages(api: Api) -> None:
    """next_cursor leads through all of them, once each; filters narrow the list."""
    ids = {(await api.execute()).json()["execution_id"] for _ in range(5)}
    await api.execute("helper:chain", json={})

    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await api.get("/executions", helper_id=HELPER_ID, limit=2, **({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [execution["execution_id"] for execution in page["executions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == 5
    assert set(seen) == ids
    assert (await api.get("/executions", status="failed")).json() == {"executions": [], "next_cursor": None}
    assert len((await api.get("/executions")).json()["executions"]) == 6


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"status": "lost"}, "invalid_request"),
        ({"limit": 0}, "invalid_request"),
        ({"limit": 201}, "invalid_request"),
        ({"cursor": "!"}, "invalid_cursor"),
        ({"cursor": "eyJhIjogMX0"}, "invalid_cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"[" * 1500).decode()}, "invalid_cursor"),
    ],
)
async def test_a_bad_query_is_refused(api: Api, params: dict[str, Any], code: str) -> None:
    """422 that names the parameter."""
    body = problem(await api.get("/executions", **params), 422, code)

    assert next(iter(params)) in body["detail"]


async def test_helper_types_come_with_metadata_and_schema(api: Api) -> None:
    """Everything a form needs."""
    body = (await api.get("/helper-types")).json()

    assert {entry["type"] for entry in body["helper_types"]} == set(registry.inventory())
    tag_it = next(entry for entry in body["helper_types"] if entry["type"] == "tag_it")
    assert tag_it["config_schema"]["properties"]["action"]["enum"] == ["apply", "remove"]
    assert tag_it["requires_crm"] is True


async def test_health_needs_no_key(api: Api) -> None:
    """For load balancers."""
    answer = await api.client.get("/healthz", headers={"X-API-Key": ""})

    assert answer.json() == {"service": "api", "healthy": True}


async def test_unknown_routes_and_methods_are_problems_too(api: Api) -> None:
    """Every error has the same shape."""
    problem(await api.get("/nothing"), 404, "not_found")
    problem(await api.client.delete("/executions"), 405, "method_not_allowed")


async def test_a_fault_of_ours_is_an_internal_error_without_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer does not leak the exception."""

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(StoredHelpers, "find", broken)

    body = problem(await api.execute(), 500, "internal_error")
    assert "secret" not in str(body)
