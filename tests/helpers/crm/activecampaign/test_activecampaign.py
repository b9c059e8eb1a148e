"""What is particular about ActiveCampaign (spec crm.md 4.3)."""

from __future__ import annotations

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactQuery
from tests.helpers.crm.fakes.activecampaign import FakeActiveCampaign


async def test_consent_is_changed_on_every_list() -> None:
    """Opting out leaves all lists; opting in returns to those that were left."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False)
    assert set(fake.lists.values()) == {"2"}
    await crm.set_opt_in_status("11", True)
    assert set(fake.lists.values()) == {"1"}


async def test_an_opt_in_without_any_list_says_what_to_configure() -> None:
    """Permanent."""
    with pytest.raises(CrmError, match="list_ids") as raised:
        await FakeActiveCampaign().connector().set_opt_in_status("12", True)
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)


async def test_option_fields_wear_bars() -> None:
    """Lists are one text at the vendor, lists here; %PERSTAG% is a key."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    assert await crm.get_field_value("11", "Interests") == ["Golf", "Chess"]
    await crm.set_field_value("11", "%INTERESTS%", ["Golf"])
    assert fake.values["11"]["24"] == "||Golf||"


async def test_template_tags_are_no_contact_tags() -> None:
    """tagType contact only."""
    assert {tag.name for tag in await FakeActiveCampaign().connector().get_tags()} == {"VIP", "Cold"}


async def test_a_company_is_an_account_that_is_linked() -> None:
    """orgname cannot be written, nor blanked."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    await crm.set_field_value("11", "company", "Acme")
    assert await crm.get_field_value("11", "company") == "Acme"
    with pytest.raises(CrmError):
        await crm.set_field_value("11", "company", "")


async def test_a_contact_owner_does_not_exist() -> None:
    """A clear refusal instead of a silent custom field."""
    with pytest.raises(CrmError, match="owner_id"):
        await FakeActiveCampaign().connector().set_field_value("11", "owner_id", "3")


async def test_amounts_are_cents() -> None:
    """Orders and deals."""
    crm = FakeActiveCampaign().connector()
    assert await crm.get_field_value("11", "_related.invoice.sum.InvoiceTotal") == 10.5
    assert await crm.get_field_value("11", "_related.lead.first.Value") == 123.45


async def test_the_base_url_may_have_the_api_path() -> None:
    """Users paste either form."""
    fake = FakeActiveCampaign()
    await fake.connector().test_connection()
    assert str(fake.requests[0].url) == "https://acme.api-us1.com/api/3/users/me"


async def test_a_brief_list_costs_one_call() -> None:
    """Custom values and tags would cost two calls per contact."""
    fake = FakeActiveCampaign()
    page = await fake.connector().get_contacts(ContactQuery(brief=True))
    assert [contact.first_name for contact in page.contacts] == ["Ada", "Bob", "Cy"]
    assert [request.url.path for request in fake.requests] == ["/api/3/contacts", "/api/3/fields"]
