"""What is particular about Ontraport (spec crm.md 4.4)."""

from __future__ import annotations

import json

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import ContactQuery, NewContact
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


async def test_a_failure_inside_a_200_says_what_ontraport_said() -> None:
    """The code and the words; permanent."""
    fake = FakeOntraport()
    crm = fake.connector()
    for body, text in (({"code": 5, "message": "No such field"}, "code 5 No such field"), ({"code": -1}, "code -1")):
        fake.trouble = [httpx.Response(200, json=body)]
        with pytest.raises(CrmError, match=text) as raised:
            await crm.get_contacts()
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.VALIDATION, False)


async def test_an_answer_of_another_form_is_upstream_trouble() -> None:
    """Not a crash: a list where a list is promised, a saved contact with its id."""
    fake = FakeOntraport()
    crm = fake.connector()
    await crm.get_custom_fields()
    fake.trouble = [httpx.Response(200, json={"code": 0, "data": "Deleted"})]
    with pytest.raises(CrmError) as raised:
        await crm.get_contacts()
    assert raised.value.code is CrmErrorCode.UPSTREAM
    fake.trouble = [httpx.Response(200, json={"code": 0, "data": []})]
    with pytest.raises(CrmError) as raised:
        await crm.create_contact(NewContact(email="x@example.com"))
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, False)
    await crm.get_tags()
    fake.trouble = [httpx.Response(200, json={"code": 0, "data": []}), httpx.Response(200, json={"code": 0})]
    with pytest.raises(CrmError) as raised:
        await crm.create_tag("new")
    assert raised.value.code is CrmErrorCode.UPSTREAM


async def test_requests_have_the_vendors_form() -> None:
    """Reads and deletes by query, writes as JSON, bulk calls as forms; both keys on every call."""
    fake = FakeOntraport()
    crm = fake.connector()
    await crm.get_contacts(ContactQuery(limit=1000, tag_id="VIP"))
    await crm.set_field_value("11", "JobTitle", "Analyst")
    await crm.apply_tag("12", "1")
    await crm.remove_tag("12", "1")
    await crm.trigger_automation("12", "7")
    await crm.delete_contact("12")

    assert all((r.headers["api-key"], r.headers["api-appid"]) == ("key-1", "app-1") for r in fake.requests)
    calls = [
        (r.method, r.url.path, dict(r.url.params), r.content.decode())
        for r in fake.requests
        if (r.method, r.url.path) not in (("GET", "/1/object"), ("GET", "/1/objects"), ("GET", "/1/objects/meta"))
    ]
    assert calls == [
        ("GET", "/1/objects/tag", {"objectID": "0", "start": "0", "range": "50", "sort": "id", "tag_id": "1"}, ""),
        ("PUT", "/1/objects", {}, '{"objectID":0,"id":"11","title":"Analyst"}'),
        ("PUT", "/1/objects/tag", {}, "objectID=0&ids=12&add_list=1"),
        ("DELETE", "/1/objects/tag", {"objectID": "0", "ids": "12", "remove_list": "1"}, ""),
        ("PUT", "/1/objects/subscribe", {}, "objectID=0&ids=12&add_list=7&sub_type=Campaign"),
        ("DELETE", "/1/object", {"objectID": "0", "id": "12"}, ""),
    ]
    put = next(r for r in fake.requests if r.url.path == "/1/objects/tag" and r.method == "PUT")
    assert put.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_filters_and_orders_use_the_vendors_names() -> None:
    """Joined by AND; keys as everywhere."""
    fake = FakeOntraport()
    crm = fake.connector()
    found = await crm.get_contacts(ContactQuery(filters={"first_name": "Ada", "Favorite Color": "blue"}))
    ordered = await crm.get_contacts(ContactQuery(order_by="FirstName desc"))

    condition = next(r.url.params["condition"] for r in fake.requests if "condition" in r.url.params)
    assert json.loads(condition) == [
        {"field": {"field": "firstname"}, "op": "=", "value": {"value": "Ada"}},
        "AND",
        {"field": {"field": "f21"}, "op": "=", "value": {"value": "blue"}},
    ]
    assert ([c.id for c in found.contacts], [c.first_name for c in ordered.contacts]) == (["11"], ["Cy", "Bob", "Ada"])


async def test_a_saved_search_is_a_group() -> None:
    """All pages of it; an unknown group is refused before the list is asked, which might answer with everybody."""
    fake = FakeOntraport()
    fake.objects[3]["9"] = {"id": "9", "name": "Buyers"}
    fake.groups["9"] = [fake.add({"email": f"m{n}@example.com"})["id"] for n in range(60)]
    crm = fake.connector()
    assert [contact.id for contact in await crm.saved_search("9")] == fake.groups["9"]
    assert [r.url.params["start"] for r in fake.requests if "group_id" in r.url.params] == ["0", "50"]
    fake.requests.clear()
    with pytest.raises(CrmError) as raised:
        await crm.saved_search("8")
    assert (raised.value.code, len(fake.requests)) == (CrmErrorCode.NOT_FOUND, 1)


async def test_tags_of_other_objects_are_no_contact_tags() -> None:
    """Deals and companies have tags of their own under the same object type."""
    fake = FakeOntraport()
    fake.objects[14]["3"] = {"tag_id": "3", "tag_name": "Won", "object_type_id": "149"}
    assert {tag.id for tag in await fake.connector().get_tags()} == {"1", "2"}


async def test_a_name_that_no_tag_has_is_refused() -> None:
    """Ontraport would queue the call and do nothing; an id that the list lacks is passed on."""
    fake = FakeOntraport()
    crm = fake.connector()
    with pytest.raises(CrmError, match="create it first") as raised:
        await crm.apply_tag("11", "Nobody")
    assert raised.value.code is CrmErrorCode.NOT_FOUND
    await crm.apply_tag("11", "77")
    assert fake.objects[0]["11"]["contact_cat"] == "*/*1*/*77*/*"


async def test_an_enrolment_whose_answer_is_lost_is_not_repeated() -> None:
    """It may have been taken; a tag is sent again without harm."""
    fake = FakeOntraport()
    crm = fake.connector().run_scope()
    await crm.get_contact("12")
    await crm.get_tags()
    fake.requests.clear()
    fake.trouble = [httpx.ReadTimeout("lost")]
    with pytest.raises(CrmError) as raised:
        await crm.trigger_automation("12", "7")
    assert (raised.value.code, len(fake.requests)) == (CrmErrorCode.NETWORK, 1)
    fake.trouble = [httpx.ReadTimeout("lost")]
    await crm.apply_tag("12", "1")
    assert len(fake.requests) == 3


async def test_consent_is_a_number_of_the_contacts_own_address() -> None:
    """A double opt-in is not lowered, a bounce not hidden, another address not mistaken, a refusal not swallowed."""
    fake = FakeOntraport()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False, "asked", email="ADA@example.com")
    assert json.loads(fake.requests[-1].content) == {"objectID": 0, "id": "11", "bulk_mail": 0}
    await crm.set_opt_in_status("11", True)
    assert json.loads(fake.requests[-1].content) == {"objectID": 0, "id": "11", "bulk_mail": 1}
    for state, opt_in in (("2", True), ("-2", False)):
        fake.objects[0]["11"]["bulk_mail"] = state
        await crm.set_opt_in_status("11", opt_in)
        assert fake.objects[0]["11"]["bulk_mail"] == state
    with pytest.raises(CrmError) as raised:
        await crm.set_opt_in_status("11", False, email="other@example.com")
    assert raised.value.code is CrmErrorCode.UNSUPPORTED
    fake.objects[0]["11"]["bulk_mail"] = "0"
    fake.locked = {"bulk_mail"}
    with pytest.raises(CrmError) as raised:
        await crm.set_opt_in_status("11", True)
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.PARTIAL, False)


async def test_a_date_keeps_its_day_and_a_check_its_meaning() -> None:
    """A date-only field is midnight UTC of the day as written, whatever the offset; a check is 1 or 0."""
    fake = FakeOntraport()
    fake.fields |= {"f24": {"alias": "Agreed", "type": "check"}, "f25": {"alias": "Seen", "type": "timestamp"}}
    crm = fake.connector()
    row = fake.objects[0]["11"]
    await crm.set_field_values(
        "11", {"Renewal": "2026-01-02T23:30:00-05:00", "Agreed": "true", "Seen": "2026-01-02T23:30:00-05:00"}
    )
    assert (row["f23"], row["f24"], row["f25"]) == ("1767312000", "1", "1767414600")
    assert await crm.get_field_value("11", "Seen") == "2026-01-03T04:30:00Z"
    await crm.set_field_values("11", {"Agreed": False, "birthday": "1950-05-17", "Renewal": ""})
    assert (row["f24"], row["birthday"], row["f23"]) == ("0", "-619401600", "")
    assert await crm.get_field_value("11", "birthday") == "1950-05-17"


async def test_statistics_and_goals_are_not_to_be_had() -> None:
    """Permanent errors that name the CRM."""
    crm = FakeOntraport().connector()
    for key in ("_email_stats.ada@example.com.LastOpenDate", "_goal.bought.achieved", "_related.payment.first.PayAmt"):
        with pytest.raises(CrmError, match="ontraport") as raised:
            await crm.get_field_value("11", key)
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UNSUPPORTED, False)


async def test_attributes_that_are_no_custom_fields_are_fields_too() -> None:
    """By name or label, read and written; the contact's custom fields stay the custom ones."""
    fake = FakeOntraport()
    crm = fake.connector()
    await crm.set_field_values("11", {"Home Phone": "+15550177", "favorite color": "green"})
    assert (fake.objects[0]["11"]["home_phone"], await crm.get_field_value("11", "home_phone")) == ("+15550177",) * 2
    assert set((await crm.get_contact("11")).custom_fields) == {"f21", "f22", "f23"}
    with pytest.raises(CrmError, match="there is no field 'hom'") as raised:
        await crm.set_field_value("11", "hom", "x")
    assert raised.value.code is CrmErrorCode.VALIDATION
