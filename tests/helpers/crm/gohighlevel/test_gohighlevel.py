"""What is particular about GoHighLevel (spec crm.md 4.2)."""

from __future__ import annotations

import json

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
