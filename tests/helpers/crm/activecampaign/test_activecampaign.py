"""What is particular about ActiveCampaign (spec crm.md 4.3)."""

from __future__ import annotations

import json

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.factory import ConnectorConfig
from helpers.crm.models import ContactQuery, NewContact
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
    """orgname cannot be written; blanking ends the link."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    await crm.set_field_value("11", "company", "Acme")
    assert await crm.get_field_value("11", "company") == "Acme"
    await crm.set_field_value("11", "company", "acme")
    assert fake.accounts.keys() == {"Acme"}
    await crm.set_field_value("11", "company", "")
    assert await crm.get_field_value("11", "company") == ""
    assert fake.account_links == {}


async def test_another_company_takes_the_place_of_the_first() -> None:
    """The vendor refuses a second account (422); the job title moves along."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    await crm.set_field_values("11", {"company": "Acme", "job_title": "Analyst"})
    await crm.set_field_value("11", "company", "Globex")

    ada = await crm.get_contact("11")
    assert (ada.company, ada.job_title) == ("Globex", "Analyst")
    assert [link["account"] for link in fake.account_links.values()] == [fake.accounts["Globex"]]


async def test_a_job_title_lives_with_the_company() -> None:
    """Read, changed, blanked; without a company the error names the remedy."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    with pytest.raises(CrmError, match="company first") as raised:
        await crm.set_field_value("11", "JobTitle", "Boss")
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)

    await crm.set_field_value("11", "company", "Acme")
    for title in ("Boss", ""):
        await crm.set_field_value("11", "job_title", title)
        assert await crm.get_field_value("11", "job_title") == title
    assert json.loads(fake.requests[-3].content) == {"accountContact": {"jobTitle": ""}}

    made = await crm.create_contact(NewContact(email="dee@example.com", company="Acme", job_title="Clerk"))
    assert (made.company, made.job_title) == ("Acme", "Clerk")


async def test_a_contact_without_an_address_has_no_orders() -> None:
    """Without the filter the vendor would list everybody's."""
    fake = FakeActiveCampaign()
    fake.contacts["11"]["email"] = ""
    assert await fake.connector().get_field_value("11", "_related.invoice.count") == 0
    assert not any(request.url.path.endswith("ecomOrders") for request in fake.requests)


@pytest.mark.parametrize("stored", ["12, 3", ["12", 3], 12])
async def test_the_lists_of_an_opt_in_may_be_text(stored: object) -> None:
    """list_ids of the connection, however it was saved."""
    fake = FakeActiveCampaign()
    config = ConnectorConfig(api_key="key-1", base_url="https://acme.api-us1.com", settings={"list_ids": stored})
    await fake.connector(config=config).set_opt_in_status("12", True)
    expected = {"12"} if stored == 12 else {"12", "3"}
    assert {name for who, name in fake.lists if who == "12"} == expected


async def test_a_lists_total_and_offset_are_the_vendors() -> None:
    """Totals are text; a cursor starts behind an id, so an offset would skip contacts."""
    fake = FakeActiveCampaign()
    page = await fake.connector().get_contacts(ContactQuery(limit=2, offset=1, brief=True))
    assert (page.total, page.next_cursor) == (3, "12")
    assert fake.requests[0].url.params["offset"] == "1"
    last = await fake.connector().get_contacts(ContactQuery(limit=2, offset=1, cursor=page.next_cursor, brief=True))
    assert ([contact.id for contact in last.contacts], last.total) == (["13"], None)


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


async def test_a_tag_that_was_removed_meanwhile_is_removed() -> None:
    """Not there is success, also between looking for the link and deleting it."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    await crm.get_tags()
    [(link, (contact, tag)), *_] = fake.links.items()
    links = httpx.Response(200, json={"contactTags": [{"id": link, "contact": contact, "tag": tag}]})
    fake.trouble = [links, httpx.Response(404, json={"message": "No Result found for SubscriberTag"})]

    await crm.remove_tag(contact, tag)

    assert fake.requests[-1].method == "DELETE"
