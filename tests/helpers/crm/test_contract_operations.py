"""Which operations of the HubSpot and Ontraport descriptions are used, each in every form; the rest is listed here."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from helpers.crm.hubspot import connector as hubspot
from helpers.crm.hubspot.connector import HubSpotConnector
from helpers.crm.models import ContactQuery, NewContact
from tests.helpers.crm.fakes.base import FakeVendor
from tests.helpers.crm.fakes.hubspot import FakeHubSpot
from tests.helpers.crm.fakes.ontraport import FakeOntraport
from tests.helpers.crm.test_contract import FOLDER, VENDORS, checker, use_everything

# Operations that the descriptions have and no method of the interface needs.
UNUSED: dict[type[FakeVendor], set[str]] = {
    FakeHubSpot: {
        # other objects are read through associations, companies found by search; none is listed, changed or archived
        "GET /notes", "GET /notes/{noteId}", "PATCH /notes/{noteId}", "DELETE /notes/{noteId}", "POST /notes/search",
        "GET /orders", "PATCH /orders/{orderId}", "DELETE /orders/{orderId}", "POST /orders/search",
        "GET /companies", "GET /companies/{companyId}", "PATCH /companies/{companyId}",
        "DELETE /companies/{companyId}",
        "GET /deals", "DELETE /deals/{dealId}", "POST /deals/search",
        # deals and orders are not made by any helper (order_it is Keap's alone)
        "POST /deals", "POST /orders",
        # one property, one list, one owner: the whole sets are read, and owners are written by id
        "GET /crm/properties/2026-03/{objectType}/{propertyName}", "GET /crm/lists/2026-03/{listId}",
        "GET /crm/owners/2026-03", "GET /crm/owners/2026-03/{ownerId}",
        # consent is written, not read
        "GET /communication-preferences/2026-03/statuses/{subscriberIdString}",
        "GET /communication-preferences/2026-03/statuses/{subscriberIdString}/unsubscribe-all",
        "GET /automation/v4/flows",
        # tokens are renewed by helpers/crm/oauth.py
        "POST /oauth/2026-03/token", "POST /oauth/2026-03/token/introspect",
    },
    FakeOntraport: {
        # deletes whole collections
        "DELETE /objects",
        # conditions find contacts by e-mail; meta has the fields flat
        "GET /object/getByEmail", "GET /objects/fieldeditor",
        # tags go by id, names are looked up first
        "PUT /objects/tagByName", "DELETE /objects/tagByName",
        # subscribe serves sequences and automations; nothing leaves or pauses one
        "PUT /objects/sequence", "DELETE /objects/sequence", "DELETE /objects/subscribe", "POST /objects/pause",
        "POST /objects/unpause",
        # charges money and cannot be repeated; no helper asks for it
        "POST /transaction/processManual",
    },
}  # fmt: skip


async def use_the_rest(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What use_everything does not reach: searches, saved searches, second forms of reads, vendor extras."""
    crm = fake.connector()
    await crm.create_contact(NewContact(first_name="Eve"))
    await crm.get_contacts(ContactQuery(filters={"first_name": "Eve"}, order_by="email desc"))
    await crm.get_contacts(ContactQuery(tag_id="VIP", email="ada@example.com"))
    if isinstance(crm, HubSpotConnector):
        await crm.saved_search("3")
        await crm.set_field_value("11", "company", "Acme")
        await crm.trigger_automation("11", "555")
        await crm.list_id_of_legacy("5")
        await crm.apply_tag("11", "VIP")
        fake.orders = {"90": {"hs_total_price": "10"}}
        await crm.get_field_value("11", "_related.invoice.count")
        monkeypatch.setattr(hubspot, "PROPERTIES_IN_URL_CHARACTERS", 1)
        await crm.get_contact("11")
    else:
        fake.objects[3]["9"] = {"id": "9"}
        fake.groups["9"] = ["11"]
        await crm.saved_search("9")


def operations(fake_type: type[FakeVendor]) -> dict[str, re.Pattern[str]]:
    """``METHOD /template`` of every described operation, as UNUSED names it, with what its requests look like."""
    (name,), _, _ = VENDORS[fake_type]
    described = json.loads((FOLDER / name).read_text())
    prefix = httpx.URL(described["servers"][0]["url"]).path.rstrip("/")
    found = {}
    for path, methods in described["paths"].items():
        pattern = re.compile(re.escape(prefix) + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            found[f"{method.upper()} {path.removeprefix('/crm/objects/2026-03')}"] = pattern
    return found


@pytest.mark.parametrize("fake_type", list(UNUSED))
async def test_every_described_operation_is_used_or_known_to_be_unused(
    fake_type: type[FakeVendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request fits; an operation that comes into or falls out of use changes the list above."""
    fake = fake_type()
    problems: list[str] = []
    missing: set[str] = set()
    fake.check = checker(fake, problems, set(), missing)

    await use_everything(fake.account())  # type: ignore[attr-defined] # every fake has one
    await use_the_rest(fake, monkeypatch)

    sent = {(request.method, request.url.raw_path.decode().partition("?")[0]) for request in fake.requests}
    described = operations(fake_type)
    used = {
        # A literal path wins over a template that fits too.
        min(fitting, key=lambda name: name.count("{"))
        for method, path in sent
        if (fitting := [n for n, p in described.items() if n.startswith(f"{method} ") and p.fullmatch(path)])
    }
    assert problems == []
    assert missing == set()
    assert described.keys() - used == UNUSED[fake_type]


async def test_a_request_that_does_not_fit_is_noticed() -> None:
    """The check is no formality: a wrong method, an unknown path and a wrong body are all reported."""
    fake = FakeHubSpot()
    problems: list[str] = []
    missing: set[str] = set()
    fake.check = checker(fake, problems, set(), missing)
    for method, url, body in (
        ("PUT", "/crm/lists/2026-03/1/memberships/add", {"ids": [11]}),
        ("POST", "/crm/objects/2026-03/contacts", {"fields": {}}),
        ("GET", "/crm/v3/objects/contacts", None),
        ("PUT", "/crm/objects/2026-03/contacts/11", {"properties": {}}),
    ):
        fake.check(httpx.Request(method, fake.base_url + url, json=body))
    assert len(problems) == 2
    assert "/crm/v3/objects/contacts" in missing
    assert len(missing) == 2
