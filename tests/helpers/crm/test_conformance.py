"""Every connector keeps the same promises (spec crm.md section 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from helpers.crm.connector import CAPABILITIES
from helpers.crm.errors import CrmError, CrmErrorCode, Unsupported
from helpers.crm.factory import VENDORS
from helpers.crm.models import ContactQuery, ContactUpdate, NewContact
from helpers.crm.sandbox import SandboxConnector
from helpers.testing.sandbox import PLATFORM_CAPABILITIES
from tests.helpers.crm.conftest import ACCOUNTS
from tests.helpers.crm.fakes.base import Account

UNKNOWN = "999999"


def effects(account: Account) -> int:
    """How often something was written: the vendor's writing requests, the sandbox's recorded events."""
    if account.fake is not None:
        return sum(request.method != "GET" for request in account.fake.requests)
    assert isinstance(account.crm, SandboxConnector)
    return int(account.crm.store.scalar("SELECT count(*) FROM events"))


async def with_effect(account: Account, call: Awaitable[Any]) -> Any:
    """The result of a call that has to reach the CRM."""
    before = effects(account)
    result = await call
    assert effects(account) > before
    return result


def test_the_suite_runs_over_every_platform() -> None:
    """Five vendors and the sandbox; a new vendor has to join."""
    assert set(ACCOUNTS) == {*VENDORS, "sandbox"}
    assert all(make().crm.slug == slug for slug, make in ACCOUNTS.items())


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


async def test_capabilities_are_what_the_earlier_platform_seeded(account: Account) -> None:
    """To the letter (crm.md section 1): stored rows of platforms hold the same."""
    assert await account.crm.get_capabilities() == list(PLATFORM_CAPABILITIES.get(account.crm.slug, CAPABILITIES))


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
    """delete_contact, of that contact alone."""
    await account.crm.delete_contact(account.bob)

    with pytest.raises(CrmError) as raised:
        await account.crm.get_contact(account.bob)
    assert raised.value.code is CrmErrorCode.NOT_FOUND
    left = [contact.id async for contact in account.crm.iter_contacts()]
    assert account.ada in left
    assert (account.bob in left, len(left)) == (False, 2)


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
    """What a CRM can do reaches it and succeeds; a note has an id."""
    await with_effect(account, account.crm.trigger_automation(account.ada, account.automation))
    await with_effect(account, account.crm.set_opt_in_status(account.ada, False, "asked by phone"))
    await with_effect(account, account.crm.set_opt_in_status(account.ada, True, "signed up"))
    note = await with_effect(account, account.crm.create_note(account.ada, "Call", "She called.", "call"))

    assert isinstance(note, str)
    assert note


WRITES: dict[str, Callable[[Account], Awaitable[Any]]] = {
    "update_contact": lambda account: account.crm.update_contact(UNKNOWN, ContactUpdate(first_name="A")),
    "set_field_value": lambda account: account.crm.set_field_value(UNKNOWN, account.color, "red"),
    "apply_tag": lambda account: account.crm.apply_tag(UNKNOWN, account.vip),
    "set_opt_in_status": lambda account: account.crm.set_opt_in_status(UNKNOWN, False, "asked"),
    "trigger_automation": lambda account: account.crm.trigger_automation(UNKNOWN, account.automation),
    "create_note": lambda account: account.crm.create_note(UNKNOWN, "Call", "Nobody called."),
    "get_field_value": lambda account: account.crm.get_field_value(UNKNOWN, "email"),
}


@pytest.mark.parametrize("method", list(WRITES))
async def test_nothing_is_done_to_an_unknown_contact(account: Account, method: str) -> None:
    """A permanent error in every method that needs one, never a silent success; deleting and untagging may be."""
    if (account.crm.slug, method) == ("activecampaign", "create_note"):
        pytest.skip("the fake takes a note for anybody, and nothing says what the vendor does")
    with pytest.raises(CrmError) as raised:
        await WRITES[method](account)

    assert raised.value.retryable is False
    assert raised.value.platform == account.crm.slug


async def test_a_refused_key_is_final(account: Account) -> None:
    """Every method asks the CRM: with other credentials none of them answers from somewhere else."""
    if account.fake is None:
        assert account.crm.slug == "sandbox"
        return
    for call in (account.crm.test_connection, account.crm.get_contacts, account.crm.get_tags):
        account.fake.trouble = [httpx.Response(401, json={"message": "no"})]
        with pytest.raises(CrmError) as raised:
            await call()
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.AUTH_EXPIRED, False)


async def test_goals_are_keaps_alone(account: Account) -> None:
    """Elsewhere a permanent error that names CRM and operation."""
    if "goals" in await account.crm.get_capabilities():
        await with_effect(account, account.crm.achieve_goal(account.ada, "bought", "myfusionhelper"))
        return
    before = effects(account)
    with pytest.raises(Unsupported) as raised:
        await account.crm.achieve_goal(account.ada, "bought")
    assert account.crm.slug in str(raised.value)
    assert "achieve_goal" in str(raised.value)
    assert not raised.value.retryable
    assert effects(account) == before


async def test_deals_are_listed_and_moved(account: Account) -> None:
    """Those of the contact, of one stage where asked."""
    crm = account.crm
    deals = await crm.list_opportunities(account.ada)
    assert [(deal.id, deal.stage_id, deal.contact_id) for deal in deals] == [("70", "3", account.ada)]
    assert await crm.list_opportunities(account.ada, "4") == []
    assert await crm.list_opportunities(account.bob) == []

    await crm.update_opportunity_stage("70", "4")

    assert [deal.id for deal in await crm.list_opportunities(account.ada, "4")] == ["70"]
    assert await crm.list_opportunities(account.ada, "3") == []


async def test_the_connection_can_be_tested(account: Account) -> None:
    """A cheap read; the metadata says who answers."""
    await account.crm.test_connection()

    metadata = await account.crm.get_metadata()
    assert metadata.platform_slug == account.crm.slug
    assert metadata.platform_name
