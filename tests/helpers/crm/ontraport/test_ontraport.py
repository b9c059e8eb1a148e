"""What is particular about Ontraport (spec crm.md 4.4)."""

from __future__ import annotations

import json

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactQuery
from tests.helpers.crm.fakes.ontraport import FakeOntraport


async def test_a_code_other_than_zero_is_a_failure() -> None:
    """Also with status 200."""
    fake = FakeOntraport()
    fake.trouble = [httpx.Response(200, json={"code": 4, "data": []})]
    with pytest.raises(CrmError) as raised:
        await fake.connector().test_connection()
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)


async def test_an_address_cannot_break_out_of_the_condition() -> None:
    """The condition is built as JSON."""
    fake = FakeOntraport()
    page = await fake.connector().get_contacts(ContactQuery(email='x"},"op":"<>'))
    assert page.contacts == []
    assert json.loads(fake.requests[0].url.params["condition"])[0]["value"]["value"] == 'x"},"op":"<>'


async def test_custom_fields_are_those_named_f_and_digits() -> None:
    """firstname and freferrer begin with f too."""
    assert [field.id for field in await FakeOntraport().connector().get_custom_fields()] == ["f21", "f22", "f23"]


async def test_option_ids_and_epochs_are_translated() -> None:
    """Labels and dates outside, ids and seconds inside."""
    fake = FakeOntraport()
    crm = fake.connector()
    assert await crm.get_field_value("11", "Interests") == ["Golf", "Chess"]
    assert await crm.get_field_value("11", "Renewal") == "2026-01-01"
    await crm.set_field_values("11", {"Interests": ["chess"], "Renewal": "2026-01-02"})
    assert (fake.objects[0]["11"]["f22"], fake.objects[0]["11"]["f23"]) == ("*/*2*/*", "1767312000")


async def test_consent_is_bulk_mail_and_a_bounce_stays() -> None:
    """1 in, 0 out, -2 is never raised."""
    fake = FakeOntraport()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False)
    assert fake.objects[0]["11"]["bulk_mail"] == "0"
    fake.objects[0]["11"]["bulk_mail"] = "-2"
    with pytest.raises(CrmError) as raised:
        await crm.set_opt_in_status("11", True)
    assert raised.value.code is CrmErrorCode.CONFLICT


async def test_tags_are_paged_by_fifty() -> None:
    """Larger ranges are capped silently."""
    fake = FakeOntraport()
    fake.objects[14] |= {str(n): {"tag_id": str(n), "tag_name": f"t{n}"} for n in range(100, 160)}
    assert len(await fake.connector().get_tags()) == 62


async def test_a_transaction_counts_as_paid_when_its_status_says_so() -> None:
    """Amounts are text."""
    crm = FakeOntraport().connector()
    assert await crm.get_field_value("11", "_related.invoice.sum.InvoiceTotal") == 15.5
    assert await crm.get_field_value("11", "_related.invoice.sum.TotalPaid") == 10
    assert await crm.get_field_value("11", "_related.invoice.first.DateCreated") == "2026-01-01T00:00:00Z"


async def test_bulk_calls_for_an_unknown_contact_are_refused() -> None:
    """Ontraport itself would ignore the id."""
    crm = FakeOntraport().connector()
    for call in (crm.apply_tag("99", "1"), crm.trigger_automation("99", "5"), crm.create_note("99", "t", "b")):
        with pytest.raises(CrmError) as raised:
            await call
        assert raised.value.code is CrmErrorCode.NOT_FOUND
