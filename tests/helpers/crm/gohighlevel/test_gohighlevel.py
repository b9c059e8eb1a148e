"""What is particular about GoHighLevel (spec crm.md 4.2)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactQuery, ContactUpdate
from tests.helpers.crm.fakes.base import TOKEN
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


NO_SCOPE = httpx.Response(401, json={"statusCode": 401, "message": "The token is not authorized for this scope."})


class OneToken:
    """A renewable token that must not be renewed."""

    async def current(self) -> str:
        return TOKEN

    async def renewed(self, refused: str) -> str:
        raise AssertionError(f"{refused} was good")


async def test_a_consent_without_tags_and_fields_still_serves_contacts() -> None:
    """The earlier platform asked for the contact scopes alone; the 401 to the others is no expired token."""
    fake = FakeGoHighLevel()
    crm = fake.connector(tokens=OneToken())
    contact = httpx.Response(200, json={"contact": {"id": "11", "firstName": "Ada", "tags": ["vip"]}})
    fake.trouble = [contact, NO_SCOPE, NO_SCOPE]

    ada = await crm.get_contact("11")

    assert (ada.first_name, [tag.name for tag in ada.tags]) == ("Ada", ["vip"])
    fake.trouble = [NO_SCOPE]
    with pytest.raises(CrmError) as raised:
        await crm.get_custom_fields()
    assert (raised.value.code, raised.value.status_code, raised.value.retryable) == ("FORBIDDEN", 401, False)


async def test_a_field_id_needs_no_list_of_fields() -> None:
    """Stored configs hold ids: without the right to list fields they are read and written as they are (crm.md 5.2)."""
    fake = FakeGoHighLevel()
    crm = fake.connector()
    fake.trouble = [NO_SCOPE]
    assert await crm.get_field_value("11", "f21") == "blue"
    fake.trouble = [NO_SCOPE]
    await crm.set_field_value("11", "f21", "red")
    assert fake.contacts["11"]["customFields"] == [{"id": "f21", "value": "red"}]

    fake.trouble = [NO_SCOPE]
    with pytest.raises(CrmError) as raised:
        await crm.get_field_value("11", "Favorite Color")
    assert raised.value.code is CrmErrorCode.FORBIDDEN


@pytest.mark.parametrize("answer", [{"contact": []}, {"contact": "11"}, {"contact": {"id": "11", "tags": 5}}])
async def test_a_contact_of_another_form_is_upstream_trouble(answer: dict[str, Any]) -> None:
    """Not a crash."""
    fake = FakeGoHighLevel()
    crm = fake.connector()
    await crm.get_custom_fields()
    fake.trouble = [httpx.Response(200, json=answer)]
    with pytest.raises(CrmError) as raised:
        await crm.get_contact("11")
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, False)


async def test_a_birthday_is_a_day() -> None:
    """GoHighLevel spells it as midnight UTC, which is the evening before in the Americas."""
    fake = FakeGoHighLevel()
    fake.contacts["11"]["dateOfBirth"] = "1990-09-25T00:00:00.000Z"
    assert await fake.connector().get_field_value("11", "birthday") == "1990-09-25"
