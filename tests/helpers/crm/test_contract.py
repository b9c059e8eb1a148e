"""Every request a connector sends fits the vendor's own API description, wherever that covers the operation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import httpx
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.validation.request.exceptions import RequestValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from helpers.crm.errors import Unsupported
from helpers.crm.models import ContactQuery, ContactUpdate, NewContact
from tests.helpers.crm.fakes.activecampaign import FakeActiveCampaign
from tests.helpers.crm.fakes.base import Account, FakeVendor
from tests.helpers.crm.fakes.gohighlevel import FakeGoHighLevel
from tests.helpers.crm.fakes.hubspot import FakeHubSpot
from tests.helpers.crm.fakes.keap import FakeKeap
from tests.helpers.crm.fakes.ontraport import FakeOntraport

FOLDER = Path(__file__).with_name("openapi")
GHL = tuple(f"gohighlevel/apps/{name}.json" for name in ("contacts", "locations", "opportunities", "payments"))

# vendor -> descriptions, its host there, and the paths that they leave out
VENDORS: dict[type[FakeVendor], tuple[tuple[str, ...], str, set[str]]] = {
    FakeKeap: (
        ("keap/keap-v2.trimmed.yaml",),
        "https://api.keap.com",
        {"/crm/rest/v2/emails", "/crm/rest/v2/contacts/{id}/paymentMethods", "/crm/rest/v1/notes"},
    ),
    FakeGoHighLevel: (GHL, "https://services.leadconnectorhq.com", set()),
    FakeActiveCampaign: (
        ("activecampaign/activecampaign-facts.json",),
        "https://account.api-us1.com",
        {"/api/3/accounts", "/api/3/accountContacts/{id}"},
    ),
    FakeOntraport: (("ontraport/ontraport-facts.json",), "https://api.ontraport.com", set()),
    FakeHubSpot: (("hubspot/hubspot-facts.json",), "https://api.hubapi.com", set()),
}  # fmt: skip


PSEUDO_KEYS = (
    "_related.invoice.count",
    "_related.lead.first.StageID",
    "_related.subscription.first.BillingAmt",
    "_related.payment.first.PayAmt",
    "_related.creditcard.first.Last4",
    "_email_stats.ada@example.com.LastSentDate",
    "_email_stats.ada@example.com.Events",
)


@cache
def description(name: str) -> OpenAPI:
    """A parsed description, without security: openapi-core cannot check OAuth2, the fakes check the credentials."""
    spec = yaml.safe_load((FOLDER / name).read_text())
    spec["components"].pop("securitySchemes", None)
    spec.pop("security", None)
    for operations in spec["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    # The validator of descriptions is off: GoHighLevel's is not entirely valid itself.
    return OpenAPI.from_dict(spec, Config(spec_validator_cls=None), base_uri=(FOLDER / name).as_uri())


class SentRequest:
    """An httpx request as openapi-core wants to see it."""

    def __init__(self, request: httpx.Request, host: str) -> None:
        self.host_url = host
        self.path = request.url.raw_path.decode().partition("?")[0]
        self.full_url_pattern = host + self.path
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "")
        self.body = request.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()), header=Headers(dict(request.headers))
        )


def checker(
    fake: FakeVendor, problems: list[str], covered: set[str], missing: set[str]
) -> Callable[[httpx.Request], None]:
    """Notes for every request whether it fits."""
    names, host, _ = VENDORS[type(fake)]

    def check(request: httpx.Request) -> None:
        sent = SentRequest(request, host)
        for name in names:
            try:
                description(name).validate_request(sent)
            except PathError:
                continue
            except RequestValidationError as exc:
                problems.append(f"{request.method} {request.url}: {exc!r} {exc.__cause__!r} {request.content!r}")
            covered.add(f"{request.method} {sent.path}")
            return
        missing.add(re.sub(r"/\d\d+", "/{id}", sent.path))

    return check


async def use_everything(account: Account) -> None:
    """One call of each operation, in every form that sends another request."""
    crm = account.crm
    await crm.test_connection()
    await crm.get_contacts(ContactQuery(limit=2))
    await crm.get_contacts(ContactQuery(email="ada@example.com"))
    await crm.get_contacts(ContactQuery(tag_id="VIP"))
    await crm.create_contact(
        NewContact(
            first_name="Dee", email="dee@example.com", phone="+15550111", custom_fields={"Favorite Color": "red"}
        )
    )
    await crm.update_contact(account.ada, ContactUpdate(first_name="A", phone="+1", company="Acme"))
    values = {"Favorite Color": "green", "owner_id": "3", "website": "https://a.example", "city": "Paris"}
    if crm.slug == "activecampaign":
        values = {"Favorite Color": "green", "company": "Globex", "job_title": "Analyst"}
    await crm.set_field_values(account.ada, values)
    await crm.create_tag("fresh")
    await crm.apply_tag(account.bob, "VIP")
    await crm.remove_tag(account.bob, "VIP")
    await crm.trigger_automation(account.ada, account.automation)
    if crm.slug == "keap":
        await crm.trigger_automation(account.ada, "5")  # looks for the only sequence
    await crm.set_opt_in_status(account.ada, False, "asked")
    await crm.set_opt_in_status(account.ada, True, "asked")
    await crm.create_note(account.ada, "Call", "She called.", "call")
    await crm.list_opportunities(account.ada)
    await crm.update_opportunity_stage("70", "4")
    for key in PSEUDO_KEYS:
        with contextlib.suppress(Unsupported):
            await crm.get_field_value(account.ada, key)
    await crm.set_field_value(account.ada, "_related.lead.stage.4.update_all", "3")
    for resource in ("contacts", "companies", "notes", "automations", "tags", "campaigns", "payment_methods"):
        with contextlib.suppress(Unsupported):
            async for _ in crm.iter_raw(resource, 100):
                pass
    if "goals" in await crm.get_capabilities():
        await crm.achieve_goal(account.ada, "bought", "myfusionhelper")
    await crm.delete_contact(account.bob)


@pytest.mark.parametrize("fake_type", list(VENDORS))
async def test_every_request_fits_the_vendors_description(fake_type: type[FakeVendor]) -> None:
    """Path, method, parameters, headers and body; what the description lacks is listed above, nothing else."""
    fake = fake_type()
    problems: list[str] = []
    covered: set[str] = set()
    missing: set[str] = set()
    fake.check = checker(fake, problems, covered, missing)

    await use_everything(fake.account())  # type: ignore[attr-defined] # every fake has one

    assert problems == []
    assert missing == VENDORS[fake_type][2]
    assert len(covered) >= 12
