"""What is particular about HubSpot (spec crm.md 4.5)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.hubspot import connector as connector_module
from helpers.crm.hubspot import search as search_module
from helpers.crm.models import ContactQuery, ContactUpdate, NewContact
from helpers.testing.ports import FakeClock
from tests.helpers.crm.fakes.hubspot import FakeHubSpot


def sent(fake: FakeHubSpot, ending: str = "") -> list[tuple[str, str, Any]]:
    """Method, path and body of the requests whose path ends so."""
    return [
        (request.method, request.url.path, json.loads(request.content) if request.content else None)
        for request in fake.requests
        if request.url.path.endswith(ending)
    ]


async def test_only_static_lists_are_tags() -> None:
    """A dynamic list is a condition; all pages of lists are read."""
    crm = FakeHubSpot().connector()
    assert {tag.name for tag in await crm.get_tags()} == {"VIP", "Cold"}
    assert [tag.name for tag in (await crm.get_contact("11")).tags] == ["VIP"]


async def test_an_ignored_id_is_told_from_nothing_to_do() -> None:
    """The list call answers 200 for both."""
    crm = FakeHubSpot().connector()
    await crm.apply_tag("11", "VIP")
    with pytest.raises(CrmError) as raised:
        await crm.apply_tag("999", "VIP")
    assert raised.value.code is CrmErrorCode.NOT_FOUND


async def test_a_workflow_is_enrolled_by_email() -> None:
    """Not by contact id, and percent-encoded."""
    fake = FakeHubSpot()
    fake.contacts["12"]["email"] = "bob+x@example.com"
    await fake.connector().trigger_automation("12", "77")
    assert fake.enrolled == [("77", "bob+x@example.com")]
    assert fake.requests[-1].url.raw_path.endswith(b"/bob%2Bx%40example.com")


async def test_consent_is_per_subscription_type() -> None:
    """Out of everything; in to every active type that is not internal."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False)
    await crm.set_opt_in_status("11", True, "form")
    assert fake.unsubscribed == ["ada@example.com"]
    assert fake.subscribed == [("ada@example.com", 5)]


async def test_values_are_text_and_options_are_labels_outside() -> None:
    """ "a;b" inside; "" clears; read-only properties are refused before the call."""
    fake = FakeHubSpot()
    crm = fake.connector()
    assert await crm.get_field_value("11", "Interests") == ["Golf", "Chess"]
    await crm.set_field_values("11", {"interests": ["Chess"], "Renewal": "03/01/2026", "color": None})
    assert json.loads(fake.requests[-1].content) == {
        "properties": {"interests": "chess", "renewal": "2026-03-01", "color": ""}
    }  # fmt: skip
    with pytest.raises(CrmError, match="read only"):
        await crm.set_field_value("11", "num_notes", 5)


async def test_a_note_is_attached_to_the_contact() -> None:
    """Association type 202, with a timestamp."""
    fake = FakeHubSpot()
    await fake.connector().create_note("11", "Call", "Body")
    (note,) = fake.notes
    assert note["properties"]["hs_note_body"] == "Call\n\nBody"
    assert note["properties"]["hs_timestamp"].endswith("Z")
    assert note["associations"][0]["types"][0]["associationTypeId"] == 202


async def test_standard_properties_answer_to_both_spellings() -> None:
    """firstname is the vendor's, first_name ours."""
    crm = FakeHubSpot().connector()
    assert [await crm.get_field_value("11", key) for key in ("firstname", "First Name", "first_name")] == ["Ada"] * 3


async def test_contacts_are_read_by_get_with_the_properties_named() -> None:
    """HubSpot answers no property that was not asked for."""
    fake = FakeHubSpot()
    crm = fake.connector()
    ada = await crm.get_contact("11")
    page = await crm.get_contacts(ContactQuery(limit=2, brief=True))

    one, listed = (r for r in fake.requests if r.method == "GET" and "/objects/" in r.url.path)
    assert (one.url.path, listed.url.path) == ("/crm/objects/2026-03/contacts/11", "/crm/objects/2026-03/contacts")
    assert {"firstname", "color", "num_notes"} <= set(one.url.params["properties"].split(","))
    assert (listed.url.params["limit"], listed.url.params["properties"]) == ("2", one.url.params["properties"])
    assert (ada.first_name, ada.custom_fields["color"], page.next_cursor) == ("Ada", "blue", "2")


async def test_a_portal_with_very_many_properties_names_them_in_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """An URL of several kilobytes would be refused."""
    monkeypatch.setattr(connector_module, "PROPERTIES_IN_URL_CHARACTERS", 10)
    fake = FakeHubSpot()
    crm = fake.connector()
    assert (await crm.get_contact("11")).first_name == "Ada"
    assert [c.first_name for c in (await crm.get_contacts(ContactQuery(limit=2))).contacts] == ["Ada", "Bob"]
    assert len(sent(fake, "/batch/read")) == 2
    assert all("properties" not in request.url.params for request in fake.requests)
    with pytest.raises(CrmError) as raised:
        await crm.get_contact("999")
    assert raised.value.code is CrmErrorCode.NOT_FOUND


async def test_filters_and_orders_are_a_search_in_the_vendors_names() -> None:
    """Keys as everywhere: standard names, aliases and labels."""
    fake = FakeHubSpot()
    crm = fake.connector()
    by_field = await crm.get_contacts(ContactQuery(filters={"FirstName": "ada", "Favorite Color": "blue"}, limit=50))
    ordered = await crm.get_contacts(ContactQuery(order_by="first_name desc"))

    first, second = (body for _, _, body in sent(fake, "/contacts/search"))
    assert first["filterGroups"][0]["filters"] == [
        {"propertyName": "firstname", "operator": "EQ", "value": "ada"},
        {"propertyName": "color", "operator": "EQ", "value": "blue"},
    ]
    assert (first["limit"], first["sorts"][0]["propertyName"], "after" in first) == (50, "hs_object_id", False)
    assert second["sorts"] == [{"propertyName": "firstname", "direction": "DESCENDING"}]
    assert [c.first_name for c in by_field.contacts] == ["Ada"]
    assert by_field.total == 1
    assert [c.first_name for c in ordered.contacts] == ["Cy", "Bob", "Ada"]


async def test_a_search_goes_on_behind_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """HubSpot answers 10,000 results of one search; the next search starts above the last id."""
    monkeypatch.setattr(search_module, "RESULTS_PER_SEARCH", 4)
    fake = FakeHubSpot()
    fake.window = 4
    for n in range(10):
        fake.add({"firstname": "Dee", "email": f"d{n}@example.com"}, str(200 + n))
    query = ContactQuery(filters={"first_name": "Dee"}, limit=3, brief=True)
    crm = fake.connector()

    found = [contact.id async for contact in crm.iter_contacts(query)]

    assert found == [str(200 + n) for n in range(10)]
    assert (await crm.get_contacts(query)).total == 10


async def test_an_order_cannot_be_followed_behind_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that says what to do, instead of a list that ends early."""
    monkeypatch.setattr(search_module, "RESULTS_PER_SEARCH", 2)
    fake = FakeHubSpot()
    fake.window = 2
    with pytest.raises(CrmError, match="leave order_by out") as raised:
        [c async for c in fake.connector().iter_contacts(ContactQuery(order_by="email", limit=2))]
    assert raised.value.code is CrmErrorCode.VALIDATION


async def test_the_members_of_a_list_can_be_filtered() -> None:
    """The list has no filters of its own, so its total says nothing then."""
    fake = FakeHubSpot()
    fake.lists["1"]["members"] = ["11", "12", "13"]
    crm = fake.connector()
    everybody = await crm.get_contacts(ContactQuery(tag_id="VIP", brief=True))
    bob = await crm.get_contacts(ContactQuery(tag_id="VIP", email="BOB@example.com"))
    named = await crm.get_contacts(ContactQuery(tag_id="VIP", filters={"first_name": "cy"}))

    assert (len(everybody.contacts), everybody.total) == (3, 3)
    assert ([c.id for c in bob.contacts], bob.total, [c.id for c in named.contacts]) == (["12"], None, ["13"])


async def test_a_saved_search_is_a_list_of_any_kind() -> None:
    """Dynamic lists too, over all pages; an unknown one is NOT_FOUND."""
    fake = FakeHubSpot()
    fake.lists["3"]["members"] = [fake.add({"email": f"m{n}@example.com", "color": "red"}) for n in range(300)]
    crm = fake.connector()
    found = await crm.saved_search("3")

    assert len({contact.id for contact in found}) == 300
    assert found[0].custom_fields == {"color": "red"}
    assert [r.url.params["limit"] for r in fake.requests if r.url.path.endswith("/3/memberships")] == ["250", "250"]
    with pytest.raises(CrmError) as raised:
        await crm.saved_search("77")
    assert raised.value.code is CrmErrorCode.NOT_FOUND


async def test_a_list_id_of_the_earlier_platform_has_a_successor() -> None:
    """Asked of HubSpot by the old id."""
    fake = FakeHubSpot()
    crm = fake.connector()
    assert [await crm.list_id_of_legacy(old) for old in ("5", "6")] == ["1", None]  # type: ignore[attr-defined]
    assert fake.requests[0].url.path == "/crm/lists/2026-03/idmapping"
    assert fake.requests[0].url.params["legacyListId"] == "5"


async def test_whether_an_ignored_id_is_known_is_asked_without_properties() -> None:
    """One small GET, and only when the list call changed nothing."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.apply_tag("12", "VIP")
    await crm.apply_tag("12", "VIP")
    assert [entry for entry in sent(fake) if entry[0] != "POST"] == [
        ("PUT", "/crm/lists/2026-03/1/memberships/add", ["12"]),
        ("PUT", "/crm/lists/2026-03/1/memberships/add", ["12"]),
        ("GET", "/crm/objects/2026-03/contacts/12", None),
    ]


async def test_a_flow_id_enrols_in_its_workflow() -> None:
    """The product shows flow ids; the enrolment takes the older one."""
    fake = FakeHubSpot()
    await fake.connector().trigger_automation("11", "555")
    assert fake.enrolled == [("5", "ada@example.com")]


async def test_a_flow_without_a_workflow_is_not_found() -> None:
    """The first answer stands; it is not enrolled anywhere."""
    fake = FakeHubSpot()
    fake.flows = {}
    with pytest.raises(CrmError, match="no such workflow") as raised:
        await fake.connector().trigger_automation("11", "555")
    assert (raised.value.code, raised.value.retryable, fake.enrolled) == (CrmErrorCode.NOT_FOUND, False, [])


async def test_a_company_is_attached_and_made_once() -> None:
    """Written as text too; found by its exact name, made where there is none, and not again while the index lags."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.set_field_value("11", "company", " Acme ")
    assert sent(fake) == [
        ("PATCH", "/crm/objects/2026-03/contacts/11", {"properties": {"company": " Acme "}}),
        ("POST", "/crm/objects/2026-03/companies/search", {
            "filterGroups": [{"filters": [{"propertyName": "name", "operator": "EQ", "value": "Acme"}]}],
            "properties": ["name"], "limit": 1, "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        }),
        ("POST", "/crm/objects/2026-03/companies", {"properties": {"name": "Acme"}}),
        ("PUT", f"/crm/objects/2026-03/contacts/11/associations/default/companies/{fake.companies['Acme']}", None),
    ]  # fmt: skip
    made = dict(fake.companies)
    fake.companies.clear()
    await crm.set_field_value("12", "company", "Acme")
    assert (fake.companies, fake.linked) == ({}, [("11", made["Acme"]), ("12", made["Acme"])])


async def test_an_update_that_names_a_company_makes_no_company() -> None:
    """The contact's own property is all that update_contact and create_contact write; blanking attaches nothing."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.update_contact("11", ContactUpdate(company="Acme"))
    await crm.set_field_value("11", "company", "")
    assert fake.companies == {}
    assert fake.linked == []


async def test_a_contact_without_an_email_is_created_and_with_one_upserted() -> None:
    """The upsert goes by the e-mail; a plain create cannot be repeated."""
    fake = FakeHubSpot()
    crm = fake.connector()
    plain = await crm.create_contact(NewContact(first_name="Eve"))
    again = await crm.create_contact(NewContact(first_name="B", email="bob@example.com"))
    assert (plain.first_name, again.id) == ("Eve", "12")
    posts = [entry for entry in sent(fake) if entry[0] == "POST" and "/lists/" not in entry[1]]
    assert posts == [
        ("POST", "/crm/objects/2026-03/contacts", {"properties": {"firstname": "Eve"}}),
        ("POST", "/crm/objects/2026-03/contacts/batch/upsert", {"inputs": [
            {"id": "bob@example.com", "idProperty": "email",
             "properties": {"firstname": "B", "email": "bob@example.com"}},
        ]}),
    ]  # fmt: skip


async def test_a_batch_answer_with_errors_is_a_failure() -> None:
    """HTTP 207, with the vendor's words."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.get_custom_fields()
    fake.trouble = [httpx.Response(207, json={"results": [], "errors": [{"message": "Email is invalid"}]})]
    with pytest.raises(CrmError, match="Email is invalid") as raised:
        await crm.create_contact(NewContact(email="x"))
    assert (raised.value.code, raised.value.status_code, raised.value.retryable) == (CrmErrorCode.PARTIAL, 207, False)


async def test_searches_pass_five_a_second_and_hold_up_nobody() -> None:
    """HubSpot counts them beside the general limit."""
    fake = FakeHubSpot()
    clock = FakeClock()
    fake.clock = clock  # type: ignore[assignment] # a clock that stands still between sleeps
    crm = fake.connector()
    await crm.get_custom_fields()
    for _ in range(5):
        await crm.get_contacts(ContactQuery(email="nobody@example.com"))
    assert clock.slept == []
    await crm.get_contacts(ContactQuery(email="nobody@example.com"))
    assert clock.slept == [1]
    for _ in range(20):
        await crm.test_connection()
    assert clock.slept == [1]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(429, json={"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"}),
        httpx.Response(
            429, headers={"X-HubSpot-RateLimit-Daily-Remaining": "0", "X-HubSpot-RateLimit-Interval-Milliseconds": "1"}
        ),
    ],
)
async def test_a_spent_day_is_for_the_queue(response: httpx.Response) -> None:
    """One try; the day ends in a zone that HubSpot does not name, so the wait is half a day."""
    fake = FakeHubSpot()
    fake.trouble = [response]
    with pytest.raises(CrmError) as raised:
        await fake.connector().test_connection()
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.QUOTA_EXHAUSTED, True)
    assert (raised.value.retry_after, len(fake.requests)) == (43_200, 1)


async def test_a_moved_portal_is_for_the_queue() -> None:
    """477 may last for hours."""
    fake = FakeHubSpot()
    fake.trouble = [httpx.Response(477, headers={"Retry-After": "7200"})]
    with pytest.raises(CrmError) as raised:
        await fake.connector().test_connection()
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, True)
    assert (raised.value.retry_after, len(fake.requests)) == (7200, 1)


async def test_an_answer_of_another_form_is_upstream_trouble() -> None:
    """Not a crash, and not an empty list either."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.get_custom_fields()
    for answer in ({}, {"results": {"id": 1}}):
        fake.trouble = [httpx.Response(200, json=answer)]
        with pytest.raises(CrmError) as raised:
            await crm.get_contacts()
        assert raised.value.code is CrmErrorCode.UPSTREAM
    for answer in ({}, {"id": "11", "properties": "x"}):
        fake.trouble = [httpx.Response(200, json=answer), httpx.Response(200, json={"results": []})]
        with pytest.raises(CrmError) as raised:
            await crm.get_contact("11")
        assert raised.value.code is CrmErrorCode.UPSTREAM
    fake.trouble = [httpx.Response(201, json={"properties": {}})]
    with pytest.raises(CrmError, match="no id") as raised:
        await crm.create_contact(NewContact(first_name="Eve"))
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, False)


async def test_marketing_emails_are_counted_by_hubspot_itself() -> None:
    """The plain field keys are its properties; statistics per address are not to be had."""
    fake = FakeHubSpot()
    fake.contacts["11"] |= {"hs_email_last_open_date": "2026-01-02T00:00:00Z", "hs_email_open": "4"}
    fake.properties = [
        *FakeHubSpot.PROPERTIES,
        *({"name": name, "label": name, "type": "string", "fieldType": "text"}
          for name in ("hs_email_last_open_date", "hs_email_open")),
    ]  # fmt: skip
    crm = fake.connector()
    assert await crm.get_field_value("11", "LastOpenDate") == "2026-01-02T00:00:00Z"
    assert [await crm.get_field_value("11", key) for key in ("open_count", "click_count")] == ["4", None]
    for key in ("_email_stats.ada@example.com.LastOpenDate", "_goal.bought.achieved"):
        with pytest.raises(CrmError) as raised:
            await crm.get_field_value("11", key)
        assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UNSUPPORTED, False)


async def test_yes_and_no_reach_a_boolean_in_its_own_words() -> None:
    """Helpers write true, "true" or "Yes"."""
    fake = FakeHubSpot()
    flag = {"name": "vip", "label": "VIP", "type": "bool", "fieldType": "booleancheckbox"}
    fake.properties = [*FakeHubSpot.PROPERTIES, flag]
    crm = fake.connector()
    for value, stored in ((True, "true"), ("Yes", "true"), ("false", "false"), (0, "false")):
        await crm.set_field_value("11", "vip", value)
        assert fake.contacts["11"]["vip"] == stored
    assert await crm.get_field_value("11", "VIP") is False


async def test_nothing_is_read_that_an_answer_does_not_need() -> None:
    """A field needs no lists, an address neither lists nor other properties; a contact in hand is not read again."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.get_custom_fields()
    fake.requests.clear()
    await crm.get_field_value("11", "color")
    assert [path for _, path, _ in sent(fake)] == ["/crm/objects/2026-03/contacts/11"]
    fake.requests.clear()
    await crm.trigger_automation("11", "5")
    assert [str(r.url.params) for r in fake.requests] == ["properties=email", ""]
    run = crm.run_scope()
    await run.get_contact("11")
    fake.requests.clear()
    await run.set_opt_in_status("11", False)
    assert [method for method, _, _ in sent(fake)] == ["POST"]


@pytest.mark.parametrize("listed", [["1"], [{"name": "no id"}], {"0": {}}])
async def test_a_list_that_holds_no_records_is_refused(listed: Any) -> None:
    """As at every vendor; none of it becomes a crash."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.get_custom_fields()
    fake.trouble = [httpx.Response(200, json={"results": listed})]

    with pytest.raises(CrmError, match="no list of records") as raised:
        await crm.get_contacts()
    assert raised.value.code is CrmErrorCode.UPSTREAM


async def test_a_property_is_written_without_the_right_to_list_them() -> None:
    """Its name is its id; what was written is no failure afterwards."""
    fake = FakeHubSpot()
    refused = httpx.Response(403, json={"category": "MISSING_SCOPES", "message": "scopes"})
    fake.trouble = [refused, httpx.Response(200, json={}), refused]
    await fake.connector().set_field_value("11", "color", "red")
    assert [(request.method, request.content) for request in fake.requests if request.method == "PATCH"] == [
        ("PATCH", b'{"properties":{"color":"red"}}')
    ]
