"""order_it: a Keap order, never a second one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CRM = {"contact": {"id": "1044"}, "tags": [{"id": "77", "name": "Buyer"}]}
ORDER = {"status": 201, "json": {"id": 5001}}
V1 = "https://api.infusionsoft.com/crm/rest/v1/orders"


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    options.setdefault("crm", CRM)
    options.setdefault("contact_id", "1044")
    options.setdefault("service_auths", {"keap": {"access_token": "tok3n"}})
    http = [{"match": {"method": "POST"}, "reply": reply or ORDER}]
    return await run_helper("order_it", {"product_id": 12, **(config or {})}, http=http, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"product_id": None}, False), ({"product_id": 0}, False), ({"product_id": -1}, False),
        ({"product_id": "x"}, False), ({"product_id": ""}, False), ({"product_id": 1.5}, False),
        ({"product_id": True}, False), ({"product_id": "12"}, True), ({"product_id": "+12"}, False),
        ({"quantity": 0}, False), ({"quantity": -1}, False), ({"quantity": 1.5}, False), ({"quantity": "2"}, True),
        ({"quantity": ""}, True), ({"quantity": None}, True), ({"quantity": "two"}, False),
        ({"promo_codes": ["A", ""]}, True), ({"promo_codes": ""}, True), ({"promo_codes": [1]}, False),
        ({"promo_codes": "A"}, False),
        ({"order_type": "Other"}, False), ({"order_type": "Online"}, True),
    ],
)  # fmt: skip
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """Product and quantity are positive whole numbers."""
    assert ((await run(config)).config_error is None) is valid


async def test_the_order_and_what_it_reports() -> None:
    """Then the tag."""
    config = {"product_id": "12", "quantity": "3", "promo_codes": ["A", ""], "apply_tag": "77"}
    result = await run(config, now="2026-03-01T10:00:00.5Z", ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == V1
    assert request.headers["Authorization"] == "Bearer tok3n"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert json.loads(request.content) == {
        "contact_id": 1044, "order_title": "Order - product 12", "order_date": "2026-03-01T10:00:00Z",
        "order_type": "Offline", "order_items": [{"product_id": 12, "quantity": 3}], "promo_codes": ["A"],
    }  # fmt: skip
    assert result.output is not None
    assert result.output.modified_data == {
        "order_id": "5001", "product_id": 12, "quantity": 3, "contact_id": "1044", "promo_codes": ["A"]
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("order_created", "1044", "5001"), ("tag_applied", "1044", "77")
    ]  # fmt: skip


async def test_without_promo_codes_the_key_is_left_out() -> None:
    """The output has an empty list."""
    result = await run({"order_title": "Mine"}, reply={"status": 200, "json": {"order_id": "x1"}})

    body = json.loads(result.requests[0].content)
    assert "promo_codes" not in body
    assert body["order_title"] == "Mine"
    assert result.output is not None
    assert result.output.modified_data["promo_codes"] == []
    assert result.output.modified_data["order_id"] == "x1"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.infusionsoft.com/crm/rest", V1),
        ("https://api.infusionsoft.com/crm/rest/v1/", V1),
        ("https://api.infusionsoft.com/crm/rest/v2", V1),
        ("https://keap.example.com/api", "https://keap.example.com/api/orders"),
    ],
)
async def test_the_url(base: str, url: str) -> None:
    """Orders exist in v1 only."""
    result = await run(service_auths={"keap": {"access_token": "t", "base_url": base}})

    assert str(result.requests[0].url) == url


@pytest.mark.parametrize("options", [{"service_auths": {}}, {"contact_id": "c1", "crm": {"contact": {"id": "c1"}}}])
async def test_nothing_is_sent_without_credentials_or_a_numeric_contact(options: dict[str, Any]) -> None:
    """Final."""
    result = await run(**options)

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "retryable", "unknown"),
    [
        ({"error": "connect"}, True, False),
        ({"status": 429}, True, False),
        ({"status": 503}, True, False),
        ({"error": "timeout"}, False, True),
        ({"status": 500}, False, True),
        ({"status": 502}, False, True),
        ({"status": 504}, False, True),
        ({"status": 200, "text": "done"}, False, True),
        ({"status": 400, "text": "tok3n"}, False, False),
        ({"status": 401}, False, False),
        ({"status": 404}, False, False),
    ],
)
async def test_the_money_rule(reply: dict[str, Any], retryable: bool, unknown: bool) -> None:
    """Only what surely made no order is tried again."""
    result = await run({"apply_tag": "77"}, reply=reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert ("unknown outcome" in str(result.error)) is unknown
    assert "tok3n" not in str(result.error)
    assert result.crm.tags_of("1044") == set()


async def test_a_retry_after_a_refusal_orders_again() -> None:
    """A 503 leaves no announcement behind."""
    ids = {"execution_id": "exec:1"}
    first = await run(reply={"status": 503}, ids=ids)
    second = await run(ids=ids, state=first.state)

    assert second.output is not None
    assert len(second.requests) == 1


@pytest.mark.parametrize("reply", [{"status": 502}, {"error": "timeout"}, {"status": 201, "text": "<html>"}])
async def test_a_redelivery_after_an_unknown_outcome_orders_nothing(reply: dict[str, Any]) -> None:
    """The worker died before it could fail the execution."""
    ids = {"execution_id": "exec:1"}
    first = await run(reply=reply, ids=ids)
    second = await run(ids=ids, state=first.state)

    assert second.requests == []
    assert second.error is not None
    assert not second.error.retryable
    assert "unknown outcome" in str(second.error)


async def test_a_redelivery_goes_on_with_the_tag() -> None:
    """The order is not made again."""
    ids = {"execution_id": "exec:1"}
    first = await run({"apply_tag": "77"}, ids=ids)
    second = await run({"apply_tag": "77"}, ids=ids, state=first.state)

    assert second.requests == []
    assert second.output is not None
    assert [a.value for a in second.output.actions] == ["5001", "77"]


async def test_a_failing_tag_leaves_the_order() -> None:
    """A post-step is only logged."""
    result = await run({"apply_tag": "77"}, crm={**CRM, "fail": {"apply_tag": True}})

    assert result.output is not None
    assert result.output.success
    assert [a.type for a in result.output.actions] == ["order_created"]


async def test_a_contact_of_another_crm_gets_no_order() -> None:
    """Its id may be somebody else's in Keap."""
    result = await run(crm={**CRM, "platform": "hubspot"})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []
