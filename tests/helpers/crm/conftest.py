"""One account per CRM, in the same state: the conformance suite runs over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from helpers.crm.sandbox import SandboxConnector
from helpers.crm.sandbox.seed import seed
from tests.helpers.crm.fakes.activecampaign import FakeActiveCampaign
from tests.helpers.crm.fakes.base import Account
from tests.helpers.crm.fakes.gohighlevel import FakeGoHighLevel
from tests.helpers.crm.fakes.hubspot import FakeHubSpot
from tests.helpers.crm.fakes.keap import FakeKeap
from tests.helpers.crm.fakes.ontraport import FakeOntraport


def _sandbox() -> Account:
    crm = SandboxConnector()
    seed(
        crm,
        {
            "tags": [{"id": "1", "name": "VIP", "category": "Sales"}, {"id": "2", "name": "Cold"}],
            "custom_fields": [{"id": "21", "key": "color", "label": "Favorite Color"}],
            "contacts": [
                {
                    "id": "11", "first_name": "Ada", "last_name": "Byron", "email": "ada@example.com",
                    "phone": "+15550100", "tags": ["1"], "custom_fields": {"color": "blue"},
                },
                {"id": "12", "first_name": "Bob", "email": "bob@example.com"},
                {"id": "13", "first_name": "Cy", "email": "cy@example.com"},
            ],
            "opportunities": [{"id": "70", "contact_id": "11", "stage_id": "3"}],
        },
    )  # fmt: skip
    return Account(crm, "11", "12")


ACCOUNTS: Mapping[str, Callable[[], Account]] = {
    "sandbox": _sandbox,
    "keap": lambda: FakeKeap().account(),
    "gohighlevel": lambda: FakeGoHighLevel().account(),
    "activecampaign": lambda: FakeActiveCampaign().account(),
    "ontraport": lambda: FakeOntraport().account(),
    "hubspot": lambda: FakeHubSpot().account(),
}


@pytest.fixture(params=list(ACCOUNTS))
def account(request: pytest.FixtureRequest) -> Account:
    """The account of one CRM."""
    return ACCOUNTS[request.param]()
