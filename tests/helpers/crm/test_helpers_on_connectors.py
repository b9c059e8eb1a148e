"""The helpers run against every connector that can do what they need."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from helpers import registry
from helpers.contract import HelperOutput
from helpers.crm.factory import VENDORS
from helpers.errors import HelperCrashed, HelperError
from helpers.invocation import Invocation, Ports, invoke
from helpers.ports import HelperSettings
from helpers.testing.ports import (
    FakeBackups,
    FakeClock,
    FakeDirectory,
    FakeFiles,
    FakeMailer,
    FakeResolver,
    FakeServiceAuths,
    RecordingSpawner,
    RunState,
)
from helpers.testing.transport import RecordingTransport
from tests.helpers.crm.fakes.base import Account
from tests.helpers.crm.fakes.keap import FakeKeap
from tests.helpers.crm.fakes.ontraport import FakeOntraport

WORKS: dict[str, dict[str, Any]] = {
    "tag_it": {"action": "apply", "tag_ids": ["vip"]},
    "clear_tags": {"mode": "all"},
    "count_tags": {"target_field": "Favorite Color"},
    "group_it": {"field": "last_name", "tag_prefix": "name: "},
    "copy_it": {"source_field": "first_name", "target_field": "Favorite Color"},
    "merge_it": {"source_fields": ["first_name", "LastName"], "target_field": "Favorite Color"},
    "clear_it": {"fields": ["Favorite Color"]},
    "contact_updater": {"fields": {"FirstName": "A", "Favorite Color": "red"}},
    "format_it": {"field": "last_name", "format": "uppercase"},
    "note_it": {"subject": "Hi {{first_name}}", "body": "Body"},
    "opt_out": {"reason": "asked"},
    "opt_in": {"reason": "form"},
    "snapshot_it": {},
    "company_link": {"company_field": "last_name"},
}
GOAL_HELPERS = ("goal_it",)


async def run(account: Account, helper_type: str, config: dict[str, Any]) -> HelperOutput:
    """The helper on Ada, with in-memory ports and the account's connector as one run sees it."""
    helper = registry.load(helper_type)
    example = helper.example
    state = RunState()
    clock = state.clock = FakeClock()
    files = FakeFiles(state, "account:1")
    invocation = Invocation(
        execution_id="exec:1", helper_id="helper:1", account_id="account:1", user_id="user:1",
        connection_id="connection:1", contact_id=account.ada, config=config, input=example.input,
        query_params=example.query_params,
    )  # fmt: skip
    async with httpx.AsyncClient(transport=RecordingTransport(example.http)) as client:
        ports = Ports(
            crm=account.crm.run_scope(), http=client, clock=clock, state=state, executions=RecordingSpawner(state),
            helpers=FakeDirectory(example.stored_helpers, "account:1"), mail=FakeMailer(), files=files,
            backups=FakeBackups(files), resolver=FakeResolver(),
            service_auths=FakeServiceAuths(example.service_auths),
            settings=HelperSettings.model_validate(example.settings),
        )  # fmt: skip
        return await invoke(helper, invocation, ports)


@pytest.mark.parametrize("helper_type", [name for name in WORKS if name in registry.inventory()])
async def test_a_helper_does_its_work_on_every_crm(account: Account, helper_type: str) -> None:
    """The same config, whatever the vendor."""
    output = await run(account, helper_type, WORKS[helper_type])

    assert output.success, output.message


@pytest.mark.parametrize("account", VENDORS, indirect=True)
async def test_half_a_character_that_a_crm_stored_stops_no_helper(account: Account) -> None:
    """An emoji cut by a length limit: it is read as the replacement character, which can be written."""
    assert account.fake is not None
    account.fake.rewrite = lambda body: body.replace(b'"Ada"', b'"Ada \\ud83d"')

    output = await run(account, "copy_it", WORKS["copy_it"])

    assert output.success, output.message
    assert any("Ada \ufffd" in json.dumps(request, ensure_ascii=False) for request in written(account))


async def test_an_opt_in_that_the_crm_refuses_is_a_failed_output() -> None:
    """Keap and Ontraport answer 200 and keep the status."""
    keap, ontraport = FakeKeap(), FakeOntraport()
    keap.locked.add("ada@example.com")
    ontraport.objects[0]["11"]["bulk_mail"] = "0"
    ontraport.locked = {"bulk_mail"}

    for fake in (keap, ontraport):
        output = await run(fake.account(), "opt_in", {"reason": "form"})

        assert not output.success
        assert "refused" in output.message


def written(account: Account) -> list[Any]:
    """The bodies of the writing requests to the vendor."""
    assert account.fake is not None
    return [
        json.loads(request.content) for request in account.fake.requests if request.method != "GET" and request.content
    ]


async def test_an_address_of_the_crm_is_found(account: Account) -> None:
    """It is no custom field there; Ada's at Keap is her second one, ActiveCampaign has none at all."""
    slug = account.crm.slug
    if slug not in ("keap", "activecampaign"):
        await account.crm.set_field_value(account.ada, "city", "London")

    output = await run(account, "timezone_triggers", {"day": "daily", "time": "9:00"})

    expected = {"keap": "12 St James Square London GBR", "activecampaign": None}.get(slug, "London")
    assert output.modified_data.get("address") == expected
    assert output.modified_data["address_found"] is (expected is not None)


@pytest.mark.parametrize("helper_type", sorted(registry.inventory()))
async def test_no_helper_crashes_on_any_crm(account: Account, helper_type: str) -> None:
    """An example may name fields and tags that this account lacks: then the error says so, and is no bug."""
    helper = registry.load(helper_type)
    try:
        output = await run(account, helper_type, helper.example.config)
    except HelperCrashed as crash:
        pytest.fail(str(crash))
    except HelperError as refusal:
        output = HelperOutput.failed(str(refusal))
    assert output.success or output.message
