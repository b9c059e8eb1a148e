"""Every connector keeps the same promises (spec crm.md section 1)."""

from __future__ import annotations

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode, Unsupported
from helpers.crm.models import ContactQuery, ContactUpdate, NewContact
from tests.helpers.crm.fakes.base import Account


def unless_lacking(account: Account, capability: str) -> None:
    """Skip a test of something that this CRM does not have; that it says so is tested below."""
    if capability in account.lacks:
        pytest.skip(f"{account.crm.slug} has no {capability}")


async def test_a_contact_is_read_whole(account: Account) -> None:
    """Attributes, tags with names, custom values, source and text ids."""
    ada = await account.crm.get_contact(account.ada)

    assert (ada.id, ada.first_name, ada.last_name, ada.email) == (account.ada, "Ada", "Byron", "ada@example.com")
    assert ada.phone == "+15550100"
    assert [(tag.id, tag.name.lower()) for tag in ada.tags] == [(account.vip, "vip")]
    assert "blue" in ada.custom_fields.values()
    assert (ada.source_crm, ada.source_id) == (account.crm.slug, account.ada)


async def test_an_unknown_contact_is_not_found(account: Account) -> None:
    """Permanent, with the code NOT_FOUND."""
    with pytest.raises(CrmError) as raised:
        await account.crm.get_contact("999999")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.NOT_FOUND, False)
    assert raised.value.platform == account.crm.slug


async def test_contacts_are_listed_over_all_pages(account: Account) -> None:
    """The cursor alone drives paging; nobody is listed twice."""
    first = await account.crm.get_contacts(ContactQuery(limit=2))
    ids = [contact.id async for contact in account.crm.iter_contacts(ContactQuery(limit=2))]

    assert (len(first.contacts), first.has_more) == (2, True)
    assert len(ids) == len(set(ids)) == 3
    assert {account.ada, account.bob} <= set(ids)


async def test_contacts_are_found_by_email_and_by_tag(account: Account) -> None:
    """E-mails without regard to case, tags by id or name."""

    async def found(**query: str) -> list[str]:
        return [contact.id for contact in (await account.crm.get_contacts(ContactQuery(**query))).contacts]

    assert await found(email="BOB@example.com") == [account.bob]
    assert await found(email="nobody@example.com") == []
    assert await found(tag_id=account.vip) == [account.ada]
    assert await found(tag_id="vip") == [account.ada]


async def test_a_contact_is_created_and_then_updated_by_its_email(account: Account) -> None:
    """create_contact is an upsert; tags and custom fields are written too."""
    made = await account.crm.create_contact(
        NewContact(first_name="Dee", email="dee@example.com", custom_fields={"Favorite Color": "red"}, tags=["VIP"])
    )
    again = await account.crm.create_contact(NewContact(first_name="Deedee", email="dee@example.com"))

    assert again.id == made.id
    assert again.first_name == "Deedee"
    assert await account.crm.get_field_value(made.id, account.color) == "red"
    assert [tag.id for tag in again.tags] == [account.vip]


async def test_an_update_writes_only_what_is_set(account: Account) -> None:
    """None leaves alone, "" blanks; other values stay."""
    updated = await account.crm.update_contact(account.ada, ContactUpdate(first_name="Augusta", last_name=""))

    assert (updated.first_name, updated.last_name) == ("Augusta", "")
    assert (updated.email, updated.phone) == ("ada@example.com", "+15550100")
    assert await account.crm.get_field_value(account.ada, account.color) == "blue"
    assert [tag.id for tag in updated.tags] == [account.vip]


async def test_a_deleted_contact_is_gone(account: Account) -> None:
    """delete_contact."""
    await account.crm.delete_contact(account.bob)

    with pytest.raises(CrmError):
        await account.crm.get_contact(account.bob)


async def test_fields_are_found_by_name_alias_key_and_label(account: Account) -> None:
    """Contact C2; an unknown key reads None."""
    read = account.crm.get_field_value

    assert [await read(account.ada, key) for key in ("first_name", "FirstName", "given_name")] == ["Ada"] * 3
    assert [await read(account.ada, key) for key in (account.color, "favorite COLOR ")] == ["blue"] * 2
    assert await read(account.ada, "ContactId") == account.ada
    assert await read(account.ada, "no such field") is None


async def test_a_field_is_written_and_the_rest_stays(account: Account) -> None:
    """Standard, aliased and custom keys."""
    await account.crm.set_field_value(account.ada, "Favorite Color", "green")
    await account.crm.set_field_value(account.ada, "LastName", "King")
    await account.crm.set_field_value(account.ada, "Phone1", "+15550199")

    ada = await account.crm.get_contact(account.ada)
    assert (ada.first_name, ada.last_name, ada.email, ada.phone) == ("Ada", "King", "ada@example.com", "+15550199")
    assert await account.crm.get_field_value(account.ada, account.color) == "green"


async def test_several_fields_are_written_in_one_update(account: Account) -> None:
    """set_field_values."""
    await account.crm.set_field_values(account.ada, {"first_name": "A", account.color: "red", "Email": "a@example.com"})

    ada = await account.crm.get_contact(account.ada)
    assert (ada.first_name, ada.email) == ("A", "a@example.com")
    assert await account.crm.get_field_value(account.ada, account.color) == "red"


async def test_an_id_cannot_be_written(account: Account) -> None:
    """Permanent refusal."""
    with pytest.raises(CrmError) as raised:
        await account.crm.set_field_value(account.ada, "id", "5")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)


async def test_tags_are_applied_and_removed_by_id_or_name(account: Account) -> None:
    """Repeating either is success."""
    crm = account.crm
    await crm.apply_tag(account.bob, " vip ")
    await crm.apply_tag(account.bob, account.vip)
    assert [tag.id for tag in (await crm.get_contact(account.bob)).tags] == [account.vip]

    await crm.remove_tag(account.bob, "VIP")
    await crm.remove_tag(account.bob, account.vip)
    assert (await crm.get_contact(account.bob)).tags == []
    assert [tag.id for tag in (await crm.get_contact(account.ada)).tags] == [account.vip]


async def test_a_tag_is_created_once(account: Account) -> None:
    """A new tag is listed and usable by name at once; a duplicate is a CONFLICT."""
    made = await account.crm.create_tag("plan: gold")
    await account.crm.apply_tag(account.bob, "Plan: Gold")

    assert made.id in {tag.id for tag in await account.crm.get_tags()}
    assert [tag.id for tag in (await account.crm.get_contact(account.bob)).tags] == [made.id]
    with pytest.raises(CrmError) as raised:
        await account.crm.create_tag("plan: gold")
    assert raised.value.code is CrmErrorCode.CONFLICT


async def test_all_tags_and_fields_are_listed(account: Account) -> None:
    """All pages; Keap's categories by name."""
    tags = {tag.id: tag for tag in await account.crm.get_tags()}

    assert tags[account.vip].name.lower() == "vip"
    assert len(tags) >= 2
    assert account.color in {
        value for field in await account.crm.get_custom_fields() for value in (field.id, field.key)
    }


async def test_automation_consent_and_notes_are_accepted(account: Account) -> None:
    """What a CRM can do succeeds without a word."""
    await account.crm.trigger_automation(account.ada, account.automation)
    await account.crm.set_opt_in_status(account.ada, False, "asked by phone")
    await account.crm.set_opt_in_status(account.ada, True, "signed up")
    note = await account.crm.create_note(account.ada, "Call", "She called.", "call")

    assert isinstance(note, str)


async def test_goals_are_keaps_alone(account: Account) -> None:
    """Elsewhere a permanent error that names CRM and operation."""
    if "goals" in await account.crm.get_capabilities():
        await account.crm.achieve_goal(account.ada, "bought", "myfusionhelper")
        return
    with pytest.raises(Unsupported) as raised:
        await account.crm.achieve_goal(account.ada, "bought")
    assert account.crm.slug in str(raised.value)
    assert "achieve_goal" in str(raised.value)
    assert not raised.value.retryable


async def test_deals_are_listed_and_moved(account: Account) -> None:
    """Those of the contact, of one stage where asked."""
    unless_lacking(account, "deals")
    crm = account.crm
    deals = await crm.list_opportunities(account.ada)
    assert [(deal.id, deal.stage_id, deal.contact_id) for deal in deals] == [("70", "3", account.ada)]
    assert await crm.list_opportunities(account.ada, "4") == []

    await crm.update_opportunity_stage("70", "4")

    assert [deal.id for deal in await crm.list_opportunities(account.ada, "4")] == ["70"]


async def test_the_connection_can_be_tested(account: Account) -> None:
    """A cheap read; the metadata says who answers."""
    await account.crm.test_connection()

    metadata = await account.crm.get_metadata()
    assert metadata.platform_slug == account.crm.slug
    assert metadata.platform_name
