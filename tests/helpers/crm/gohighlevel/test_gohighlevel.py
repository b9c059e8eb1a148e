"""What is particular about GoHighLevel (spec crm.md 4.2)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactQuery, ContactUpdate
from tests.helpers.crm.fakes.gohighlevel import FakeGoHighLevel


async def test_an_opt_out_switches_do_not_disturb_on() -> None:
    """The meaning is inverted: active blocks; what the system blocked stays blocked."""
    fake = FakeGoHighLevel()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False, "asked")
    assert fake.contacts["11"]["dndSettings"]["Email"]["status"] == "active"
    await crm.set_opt_in_status("11", True, "asked")
    assert fake.contacts["11"]["dndSettings"]["Email"]["status"] == "inactive"

    fake.contacts["11"]["dndSettings"]["Email"]["status"] = "permanent"
    with pytest.raises(CrmError) as raised:
        await crm.set_opt_in_status("11", True, "asked")
    assert raised.value.code is CrmErrorCode.CONFLICT


async def test_an_opt_in_of_a_contact_that_nothing_may_reach_is_no_success() -> None:
    """dnd of the contact blocks every channel whatever the one for e-mail says; an opt-out needs no look."""
    fake = FakeGoHighLevel()
    fake.contacts["11"]["dnd"] = True
    crm = fake.connector()
    with pytest.raises(CrmError, match="every channel") as raised:
        await crm.set_opt_in_status("11", True)
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.CONFLICT, False)

    fake.requests.clear()
    await crm.set_opt_in_status("11", False, "asked")
    assert [request.method for request in fake.requests] == ["PUT"]
    assert json.loads(fake.requests[0].content) == {
        "dndSettings": {"Email": {"status": "active", "message": "asked", "code": ""}}
    }


@pytest.mark.parametrize("spelling", ["succeded", "succeeded"])
async def test_a_200_that_says_no_is_a_failure(spelling: str) -> None:
    """Update, consent, deletion and workflow."""
    fake = FakeGoHighLevel()
    crm = fake.connector()
    await crm.get_custom_fields()
    for call in (
        lambda: crm.set_field_value("11", "first_name", "A"),
        lambda: crm.set_opt_in_status("11", False),
        lambda: crm.delete_contact("11"),
        lambda: crm.trigger_automation("11", "w1"),
    ):
        fake.trouble = [httpx.Response(200, json={spelling: False})]
        with pytest.raises(CrmError) as raised:
            await call()
        assert (raised.value.code, raised.value.status_code, raised.value.retryable) == ("PARTIAL", 200, False)


async def test_a_page_without_a_position_is_followed_by_page_number() -> None:
    """No contact is left out silently."""
    fake = FakeGoHighLevel()
    search = fake.search

    def without_position(request: Any) -> Any:
        body = request.state.body
        everyone = search(type(request)({**request.scope, "state": {"body": {**body, "pageLimit": 500}}}))["contacts"]
        start = (body["page"] - 1) * body["pageLimit"]
        page = everyone[start : start + body["pageLimit"]]
        return {"contacts": [{k: v for k, v in contact.items() if k != "searchAfter"} for contact in page]}

    fake.search = without_position  # type: ignore[method-assign] # a vendor that does not send it

    ids = [contact.id async for contact in fake.connector().iter_contacts(ContactQuery(limit=2))]
    assert ids == ["11", "12", "13"]


async def test_a_foreign_cursor_is_refused() -> None:
    """Permanent."""
    with pytest.raises(CrmError, match="cursor"):
        await FakeGoHighLevel().connector().get_contacts(ContactQuery(cursor="x y"))


async def test_an_unknown_address_finds_nobody() -> None:
    """The vendor answers null."""
    fake = FakeGoHighLevel()
    fake.trouble = [httpx.Response(200, text="null")]
    page = await fake.connector().get_contacts(ContactQuery(email="nobody@example.com"))
    assert (page.contacts, page.total) == ([], 0)


async def test_tags_are_sent_by_name_and_never_with_an_update() -> None:
    """A tags key in an update would replace them all."""
    fake = FakeGoHighLevel()
    crm = fake.connector()
    await crm.apply_tag("12", "t2")
    await crm.update_contact("12", ContactUpdate(first_name="B"))

    assert fake.contacts["12"]["tags"] == ["cold"]
    bodies = [json.loads(request.content) for request in fake.requests if request.method == "PUT"]
    assert all("tags" not in body for body in bodies)


async def test_a_tag_filter_is_exact() -> None:
    """The search's contains also finds longer names."""
    fake = FakeGoHighLevel()
    fake.contacts["12"]["tags"] = ["vip plus"]

    page = await fake.connector().get_contacts(ContactQuery(tag_id="VIP"))

    assert [contact.id for contact in page.contacts] == ["11"]


@pytest.mark.parametrize("key", ["color", "contact.color", "f21", "Favorite Color"])
async def test_a_field_key_may_have_the_contact_prefix(key: str) -> None:
    """5.2."""
    crm = FakeGoHighLevel().connector()
    await crm.set_field_value("11", key, "red")
    assert await crm.get_field_value("11", key) == "red"


async def test_orders_are_related_records() -> None:
    """Only paid orders count as paid."""
    crm = FakeGoHighLevel().connector()
    assert await crm.get_field_value("11", "_related.invoice.sum.InvoiceTotal") == 15
    assert await crm.get_field_value("11", "_related.invoice.sum.TotalPaid") == 10


async def test_a_job_title_is_no_attribute_there() -> None:
    """Written, it is a clear refusal; read, it is empty."""
    crm = FakeGoHighLevel().connector()
    assert await crm.get_field_value("11", "job_title") is None
    with pytest.raises(CrmError, match="no field 'job_title'"):
        await crm.set_field_value("11", "job_title", "Boss")
