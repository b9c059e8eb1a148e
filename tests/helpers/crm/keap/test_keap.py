"""What is particular about Keap (spec crm.md 4.1, data D13, contact C9)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.keap.patch import contact_body
from helpers.crm.models import ContactQuery, NewContact
from tests.helpers.crm.fakes.keap import FakeKeap


@pytest.fixture
def keap() -> FakeKeap:
    """An application with Ada, Bob and Cy."""
    return FakeKeap()


async def test_an_update_keeps_every_other_address_phone_and_custom_value(keap: FakeKeap) -> None:
    """Arrays are replaced whole: the connector reads, merges and writes."""
    crm = keap.connector()

    await crm.set_field_values("11", {"email": "new@example.com", "phone": "+1", "Favorite Color": "red"})

    ada = keap.contacts["11"]
    assert {entry["field"]: entry["email"] for entry in ada["email_addresses"]} == {
        "EMAIL1": "new@example.com", "EMAIL2": "ada2@example.com"
    }  # fmt: skip
    assert {entry["field"]: entry["number"] for entry in ada["phone_numbers"]} == {
        "PHONE1": "+1",
        "PHONE2": "+15550101",
    }
    assert {str(entry["id"]): entry["content"] for entry in ada["custom_fields"]} == {"21": "red", "22": 7}
    patches = [request for request in keap.requests if request.method == "PATCH"]
    assert len(patches) == 1


async def test_a_plain_attribute_is_written_without_reading_first(keap: FakeKeap) -> None:
    """Only arrays need the current contact."""
    await keap.connector().set_field_value("11", "job_title", "Countess")

    assert [request.method for request in keap.requests if "/contacts/11" in str(request.url)] == ["PATCH"]


@pytest.mark.parametrize("key", ["email", "phone"])
async def test_clearing_the_first_slot_keeps_the_others(keap: FakeKeap, key: str) -> None:
    """clear_it on EMAIL1 and PHONE1."""
    crm = keap.connector()
    await crm.set_field_value("11", key, "")

    assert await crm.get_field_value("11", key) is None
    assert await crm.get_field_value("11", "EmailAddress2") == "ada2@example.com"


async def test_secondary_addresses_are_fields(keap: FakeKeap) -> None:
    """Data D2."""
    crm = keap.connector()
    await crm.set_field_value("11", "EmailAddress3", "ada3@example.com")

    assert await crm.get_field_value("11", "EmailAddress3") == "ada3@example.com"
    assert len(keap.contacts["11"]["email_addresses"]) == 3


async def test_the_older_names_lead_to_the_three_addresses(keap: FakeKeap) -> None:
    """timezone_triggers looks for them; a street that is written leaves the other addresses alone."""
    crm = keap.connector()
    await crm.set_field_values("11", {"StreetAddress1": "5 Dorset St", "City": "Marylebone", "City3": "Paris"})

    names = ("StreetAddress1", "address1", "City", "Address2Street1", "City2", "Country2", "City3", "State3")
    assert [await crm.get_field_value("11", name) for name in names] == [
        "5 Dorset St", "5 Dorset St", "Marylebone", "12 St James Square", "London", "GBR", "Paris", None,
    ]  # fmt: skip
    assert [entry["field"] for entry in keap.contacts["11"]["addresses"]] == ["SHIPPING", "BILLING", "OTHER"]


def test_address_parts_go_into_the_billing_entry() -> None:
    """A new region loses the code of the old one; the shipping address stays."""
    current = {
        "addresses": [
            {"field": "BILLING", "line1": "1 A", "region": "CA", "region_code": "US-CA"},
            {"field": "SHIPPING", "line1": "2 B"},
        ]
    }  # fmt: skip
    body = contact_body({"city": "Paris", "state": "IDF"}, {}, current)
    assert {"field": "BILLING", "line1": "1 A", "locality": "Paris", "region": "IDF"} in body["addresses"]
    assert {"field": "SHIPPING", "line1": "2 B"} in body["addresses"]


async def test_a_company_is_found_or_made_and_linked(keap: FakeKeap) -> None:
    """company_link: a contact has no company name of its own."""
    crm = keap.connector()
    await crm.set_field_value("11", "company", "Acme Inc.")
    await crm.set_field_value("12", "CompanyName", "Acme Inc.")

    assert len(keap.companies) == 1
    assert await crm.get_field_value("12", "company") == "Acme Inc."


async def test_creating_a_known_address_updates_without_losing_anything(keap: FakeKeap) -> None:
    """duplicate_option alone would replace the arrays."""
    await keap.connector().create_contact(NewContact(first_name="A", email="ada@example.com"))

    assert len(keap.contacts["11"]["email_addresses"]) == 2
    assert keap.contacts["11"]["given_name"] == "A"


async def test_tagged_contacts_come_in_the_order_of_application_and_whole(keap: FakeKeap) -> None:
    """The tag's list has short records; pages go on."""
    crm = keap.connector()
    for contact_id in ("13", "12"):
        await crm.apply_tag(contact_id, "1")

    found = [contact async for contact in crm.iter_contacts(ContactQuery(tag_id="VIP"))]

    assert [contact.id for contact in found] == ["11", "13", "12"]
    assert found[1].email == "cy@example.com"


async def test_a_brief_list_of_tagged_contacts_fetches_no_full_ones(keap: FakeKeap) -> None:
    """count_it_tags needs ids and their order only."""
    page = await keap.connector().get_contacts(ContactQuery(tag_id="1", brief=True))

    assert [contact.id for contact in page.contacts] == ["11"]
    assert not any(request.url.path.endswith("/contacts") and "ids" in str(request.url) for request in keap.requests)


async def test_categories_are_named(keap: FakeKeap) -> None:
    """The tag carries the id of its category only."""
    tags = {tag.name: tag.category for tag in await keap.connector().get_tags()}
    assert tags == {"VIP": "Sales", "Cold": "", "Warm": ""}


async def test_a_tag_that_no_cache_knows_is_looked_up_again(keap: FakeKeap) -> None:
    """Someone made it since the list was read."""
    crm = keap.connector()
    await crm.get_tags()
    keap.tags["50"] = {"id": "50", "name": "Brand new"}
    await keap.clock.sleep(10)

    await crm.apply_tag("12", "brand NEW")

    assert ("50", "12") in keap.applied


async def test_a_tag_that_was_made_anew_is_found_by_its_name(keap: FakeKeap) -> None:
    """The cached id is gone: the list is read again and the call repeated once."""
    crm = keap.connector()
    await crm.get_tags()
    keap.tags["77"] = {**keap.tags.pop("2"), "id": "77"}

    await crm.apply_tag("12", "cold")

    assert ("77", "12") in keap.applied


async def test_a_refused_contact_in_a_200_answer_is_an_error(keap: FakeKeap) -> None:
    """Per-contact result maps."""
    crm = keap.connector()
    for call in (crm.apply_tag("99", "1"), crm.trigger_automation("99", "5/51")):
        with pytest.raises(CrmError) as raised:
            await call
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.NOT_FOUND, False)


@pytest.mark.parametrize(("reference", "started"), [("5/51", ("5", "51")), ("5:51", ("5", "51")), ("5", ("5", "51"))])
async def test_a_sequence_is_named_or_the_only_one(keap: FakeKeap, reference: str, started: tuple[str, str]) -> None:
    """automation.md Appendix A."""
    await keap.connector().trigger_automation("11", reference)
    assert keap.sequences == [(*started, "11")]


async def test_a_campaign_with_several_sequences_asks_for_a_choice(keap: FakeKeap) -> None:
    """The error names them."""
    with pytest.raises(CrmError, match=r"6/61.*6/62"):
        await keap.connector().trigger_automation("11", "6")


async def test_a_goal_that_nothing_listens_to_is_a_failure(keap: FakeKeap) -> None:
    """Keap answers 200 with no results; the contact id is a number."""
    crm = keap.connector()
    await crm.achieve_goal("11", "bought", "mfh")
    assert keap.goals == [{"integration": "mfh", "call_name": "bought", "contact_id": 11}]
    with pytest.raises(CrmError) as raised:
        await crm.achieve_goal("11", "nobody", "mfh")
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.PARTIAL, False)


async def test_an_opt_in_that_keap_refuses_is_an_error(keap: FakeKeap) -> None:
    """The answer's opted_in decides; a reason is always sent; a non-primary address can be named."""
    crm = keap.connector()
    await crm.set_opt_in_status("11", True, "", email="ada2@example.com")
    assert keap.opted == {"ada2@example.com": True}
    assert json.loads(keap.requests[-1].content)["reason"]

    keap.locked.add("ada@example.com")
    with pytest.raises(CrmError, match="SPAM"):
        await crm.set_opt_in_status("11", True, "please")


@pytest.mark.parametrize(
    ("given", "sent"), [("general", "Other"), ("CALL", "Call"), ("letter", "Letter"), ("x", "Other")]
)
async def test_a_note_has_an_author_and_a_known_type(keap: FakeKeap, given: str, sent: str) -> None:
    """user_id is required."""
    assert await keap.connector().create_note("11", "T", "B", given) == "1"
    assert keap.notes == [{"user_id": "3", "title": "T", "text": "B", "type": sent, "contact_id": "11"}]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_related.invoice.count", 3), ("_related.invoice.count.nonzero", 2), ("_related.invoice.sum.TotalPaid", 6.5),
        ("_related.invoice.first.DateCreated", "2026-01-01T00:00:00Z"), ("_related.job.last.JobTitle", "Third"),
        ("_related.lead.first.StageID", "3"), ("_related.lead.stage.3", True), ("_related.lead.stage.9", False),
        ("_related.subscription.first.BillingAmt", 30), ("_related.subscription.last.BillingAmt", 50),
        ("_email_stats.ada@example.com.LastSentDate", "2026-01-05T00:00:00Z"),
        ("_email_stats.ada@example.com.LastOpenDate", "2026-01-02T00:00:00Z"),
        ("_email_stats.ada@example.com.LastClickDate", None), ("_goal.bought.achieved", None),
        ("send_count", 2), ("open_count", 1), ("last_open_date", "2026-01-02T00:00:00Z"), ("last_click_date", None),
    ],
)  # fmt: skip
async def test_related_data_is_read_through_pseudo_keys(keap: FakeKeap, key: str, value: Any) -> None:
    """D13, over all pages; the engagement fields are derived from the sent e-mails."""
    assert await keap.connector().get_field_value("11", key) == value


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        ({"amount": 123456, "formatted_amount": "$1,234.56"}, 1234.56),
        ({"amount": 123456, "formatted_amount": "1.234,56 \u20ac"}, 1234.56),
        ({"amount": 5, "formatted_amount": "$0.05"}, 0.05),
        ({"amount": -500, "formatted_amount": "-$5.00"}, -5),
        ({"amount": 1234, "formatted_amount": "\u00a51,234"}, 1234),
        ({"amount": 12, "formatted_amount": "$12.00"}, 12),
        ({"amount": 12}, 12),
    ],
)
async def test_amounts_are_in_the_main_unit_of_the_currency(
    keap: FakeKeap, money: dict[str, Any], amount: float
) -> None:
    """Keap counts cents; the formatted text shows it."""
    keap.orders = [{"id": "1", "order_time": "2026-01-01T00:00:00Z", "total": {"currency_code": "USD", **money}}]

    crm = keap.connector()
    assert await crm.get_field_value("11", "_related.invoice.sum.InvoiceTotal") == amount
    for name in ("InvoiceTotal", "invoice_total", "total"):
        assert await crm.get_field_value("11", f"_related.invoice.first.{name}") == amount


async def test_an_address_that_keap_never_mailed_has_no_times(keap: FakeKeap) -> None:
    """404 says so."""
    assert await keap.connector().get_field_value("11", "_email_stats.new@example.com.LastOpenDate") is None


async def test_deals_are_moved_by_writing_a_pseudo_key(keap: FakeKeap) -> None:
    """crm.md 5.5: the oldest one, or all; deals of another contact or stage stay."""

    def deal(number: int, contact: str, stage: str) -> dict[str, Any]:
        return {
            "id": number, "contact": {"id": contact}, "stage": {"id": stage},
            "created_time": f"2026-01-{10 - number:02}T00:00:00Z",
        }  # fmt: skip

    keap.deals = {str(n): deal(n, c, s) for n, c, s in ((1, "11", "3"), (2, "11", "3"), (3, "12", "3"), (4, "11", "5"))}
    crm = keap.connector()

    def stages() -> list[str]:
        return [keap.deals[number]["stage"]["id"] for number in "1234"]

    await crm.set_field_value("11", "_related.lead.stage.3.update_first", 4)
    assert stages() == ["3", "4", "3", "5"]
    await crm.set_field_value("11", "_related.lead.stage.3.update_all", "4")
    assert stages() == ["4", "4", "3", "5"]
    with pytest.raises(CrmError, match="read only"):
        await crm.set_field_value("11", "_related.lead.first.StageID", "4")


@pytest.mark.parametrize("email", ["ada@*", "*", "ada@example.com;id==12"])
async def test_a_pattern_finds_nobody(keap: FakeKeap, email: str) -> None:
    """A trailing * is a prefix search at Keap: an upsert would overwrite a stranger."""

    def match(request: Any) -> Any:
        return {"contacts": [keap.shown(contact, request) for contact in keap.contacts.values()]}

    keap.list_contacts = match  # type: ignore[method-assign] # as Keap answers a pattern
    crm = keap.connector()

    assert (await crm.get_contacts(ContactQuery(email=email))).contacts == []
    made = await crm.create_contact(NewContact(first_name="X", email=email))
    assert made.id not in ("11", "12", "13")


async def test_a_second_address_does_not_become_the_first(keap: FakeKeap) -> None:
    """create_contact finds the contact by any of its addresses."""
    made = await keap.connector().create_contact(NewContact(first_name="A", email="ADA2@example.com"))

    assert (made.id, made.first_name, made.email) == ("11", "A", "ada@example.com")


async def test_a_company_of_a_similar_name_is_not_linked(keap: FakeKeap) -> None:
    """What the filter finds is compared once more."""
    keap.companies = {"Acme": "1"}
    await keap.connector().set_field_value("11", "company", "Acme*")
    assert set(keap.companies) == {"Acme", "Acme*"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"add_to_sequence_results": {"11": "FAILED"}}, "PARTIAL"),
        ({"add_to_sequence_results": {"11": "CONTACT_DOES_NOT_EXIST"}}, "NOT_FOUND"),
        ({"add_to_sequence_results": {}}, "PARTIAL"),
        ({"add_to_sequence_results": {"11": "ALREADY_IN_SEQUENCE"}}, None),
        ({"11": "SUCCESS"}, None),
    ],
)
async def test_the_result_of_a_sequence_is_read_where_keap_puts_it(
    keap: FakeKeap, answer: dict[str, Any], code: str | None
) -> None:
    """A 200 alone means nothing."""
    keap.trouble = [httpx.Response(200, json=answer)]
    call = keap.connector().trigger_automation("11", "5/51")
    if code is None:
        await call
        return
    with pytest.raises(CrmError) as raised:
        await call
    assert (raised.value.code, raised.value.status_code, raised.value.retryable) == (code, 200, False)


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("Suffix", "suffix"), ("MiddleName", "middle_name"), ("Title", "prefix"), ("Nickname", "preferred_name"),
        ("SpouseName", "spouse_name"),
    ],
)  # fmt: skip
async def test_older_names_of_attributes_are_understood(keap: FakeKeap, key: str, attribute: str) -> None:
    """name_parse_it writes a suffix; no custom field is made of it."""
    crm = keap.connector()
    await crm.set_field_value("11", key, "X")
    assert keap.contacts["11"][attribute] == "X"
    assert await crm.get_field_value("11", key) == "X"


@pytest.mark.parametrize(
    ("key", "array", "slot", "part"),
    [
        ("StreetAddress1", "addresses", "BILLING", "line1"), ("City2", "addresses", "SHIPPING", "locality"),
        ("Address3Street2", "addresses", "OTHER", "line2"), ("Phone2", "phone_numbers", "PHONE2", "number"),
        ("Fax1", "fax_numbers", "FAX1", "number"),
    ],
)  # fmt: skip
async def test_further_phones_and_addresses_are_fields(
    keap: FakeKeap, key: str, array: str, slot: str, part: str
) -> None:
    """By the names of Keap's older API; the other entries of the array stay."""
    before = [entry for entry in keap.contacts["11"].get(array, []) if entry["field"] != slot]
    crm = keap.connector()
    await crm.set_field_value("11", key, "X")
    assert [entry[part] for entry in keap.contacts["11"][array] if entry["field"] == slot] == ["X"]
    assert all(entry in keap.contacts["11"][array] for entry in before)
    assert await crm.get_field_value("11", key) == "X"


async def test_an_owner_is_text(keap: FakeKeap) -> None:
    """The vendor's own examples send numbers."""
    keap.contacts["11"]["owner_id"] = 45
    assert await keap.connector().get_field_value("11", "owner_id") == "45"


async def test_times_are_utc_or_nothing(keap: FakeKeap) -> None:
    """Contacts cross the interface with UTC times."""
    keap.contacts["11"] |= {"create_time": "2026-01-01T08:00:00-06:00", "update_time": "0000-00-00 00:00:00"}
    ada = await keap.connector().get_contact("11")
    assert (ada.created_at, ada.updated_at) == (datetime(2026, 1, 1, 14, tzinfo=UTC), None)


async def test_definitions_that_may_not_be_read_stop_no_contact(keap: FakeKeap) -> None:
    """A key without the right to list tags and fields: ids stand for names (crm.md 5.2, 5.3)."""
    crm = keap.connector()
    refused = httpx.Response(403, json={"message": "scope"})
    contact = httpx.Response(200, json={"id": "11", "given_name": "Ada", "tag_ids": ["1"], "custom_fields": []})
    keap.trouble = [contact, refused, refused]

    ada = await crm.get_contact("11")

    assert (ada.first_name, [tag.id for tag in ada.tags]) == ("Ada", ["1"])
    keap.trouble = [refused]
    await crm.apply_tag("12", "2")
    assert ("2", "12") in keap.applied


async def test_exports_page_through_raw_records(keap: FakeKeap) -> None:
    """keap_backup: contacts with every optional property, nothing normalized."""
    pages = [page async for page in keap.connector().iter_raw("contacts", 1000)]

    assert [len(page) for page in pages] == [2, 1]
    assert pages[0][0]["email_addresses"][1]["email"] == "ada2@example.com"


async def test_notes_and_payment_methods_of_the_whole_account(keap: FakeKeap) -> None:
    """Notes come in smaller pages than asked for, payment methods contact by contact."""
    crm = keap.connector()
    notes = [page async for page in crm.iter_raw("notes", 1000)]
    cards = [page async for page in crm.iter_raw("payment_methods", 2)]

    assert [note["id"] for page in notes for note in page] == [0, 1, 2, 3, 4]
    assert len(notes) > 1
    assert [[card["id"] for card in page] for page in cards] == [["11-0", "11-1"], ["13-0", "13-1"], ["13-2"]]
    assert cards[1][0]["contact_id"] == "13"


async def test_a_run_reads_its_contact_once_and_sees_its_own_writes(keap: FakeKeap) -> None:
    """run_scope: contact C5; another run starts afresh."""
    crm = keap.connector()
    run = crm.run_scope()
    for key in ("first_name", "email", "Favorite Color"):
        await run.get_field_value("11", key)
    await run.get_contact("11")
    assert sum("/contacts/11" in str(request.url) for request in keap.requests) == 1

    await run.set_field_value("11", "first_name", "A")
    assert await run.get_field_value("11", "first_name") == "A"
    keap.contacts["11"]["given_name"] = "Changed elsewhere"
    assert await run.get_field_value("11", "first_name") == "A"
    assert await crm.run_scope().get_field_value("11", "first_name") == "Changed elsewhere"


async def test_deals_of_other_contacts_are_left_alone(keap: FakeKeap) -> None:
    """An application that ignores the contact filter lists everybody's; neither the move nor the lead keys see them."""
    crm = keap.connector()
    deals = [
        {"id": "1", "contact": {"id": "12"}, "stage": {"id": "3"}, "created_time": "2026-01-01T00:00:00Z"},
        {"id": "2", "contact": {"id": "11"}, "stage": {"id": "4"}, "created_time": "2026-01-02T00:00:00Z"},
    ]
    keap.trouble = [httpx.Response(200, json={"opportunities": deals}) for _ in range(2)]

    assert [deal.id for deal in await crm.list_opportunities("11")] == ["2"]
    assert await crm.get_field_value("11", "_related.lead.first.Id") == "2"


@pytest.mark.parametrize(
    "part", [{"email_addresses": "x"}, {"phone_numbers": 5}, {"addresses": [1]}, {"tag_ids": True}]
)
async def test_a_contact_of_another_form_is_upstream_trouble(keap: FakeKeap, part: dict[str, Any]) -> None:
    """Not a crash, whether it is read or about to be merged."""
    crm = keap.connector()
    await crm.get_custom_fields()
    keap.trouble = [httpx.Response(200, json={"id": "11", **part})]
    with pytest.raises(CrmError) as raised:
        await crm.get_contact("11")
    assert raised.value.code is CrmErrorCode.UPSTREAM


async def test_a_cursor_may_be_a_number(keap: FakeKeap) -> None:
    """Keap's own examples show bare numbers; an empty one ends the list."""
    for token, cursor in ((5, "5"), ("", None)):
        keap.trouble = [httpx.Response(200, json={"contacts": [], "next_page_token": token})]
        page = await keap.connector().get_contacts()
        assert (page.next_cursor, page.has_more) == (cursor, bool(cursor))


async def test_a_label_that_two_fields_share_is_reported(keap: FakeKeap) -> None:
    """Neither is guessed; the error names the keys, which go on working."""
    fields = [{"id": str(n), "label": label, "field_name": f"_Size{n}"} for n, label in ((1, "Size"), (2, " size "))]
    record = {"id": "11", "custom_fields": [{"id": "2", "content": "XL"}]}
    crm = keap.connector()
    keap.trouble = [httpx.Response(200, json={"custom_fields": fields})]
    for call in (lambda: crm.get_field_value("11", "SIZE"), lambda: crm.set_field_value("11", "Size", "M")):
        with pytest.raises(CrmError, match="name one by its key: _Size1, _Size2") as raised:
            await call()
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)

    keap.trouble = [httpx.Response(200, json=record)]
    assert await crm.get_field_value("11", "_Size2") == "XL"
