"""Stored helpers are found by id, bare uuid and short key, each account its own."""

from __future__ import annotations

import pytest

from fleet.aws import AwsClients
from fleet.settings import FleetSettings
from fleet.stored_helpers import StoredHelpers, new_helper_id
from helpers.ports import StoredHelper

pytestmark = pytest.mark.stack


async def put(stored: StoredHelpers, account: str) -> str:
    helper = StoredHelper(helper_id=new_helper_id(), helper_type="tag_it", account_id=account, short_key="tag")
    await stored.put(helper)
    return helper.helper_id


async def test_the_same_short_key_in_two_accounts_means_each_accounts_own(
    aws: AwsClients, stage_settings: FleetSettings
) -> None:
    stored = StoredHelpers(aws.dynamodb, stage_settings.helpers_table)
    ids = {account: await put(stored, account) for account in ("a", "b", "c")}

    for account, helper_id in ids.items():
        found = await stored.find("tag", account)
        assert found is not None
        assert found.helper_id == helper_id
    assert await stored.find("tag", "d") is None


async def test_an_id_of_another_account_is_nobody(aws: AwsClients, stage_settings: FleetSettings) -> None:
    stored = StoredHelpers(aws.dynamodb, stage_settings.helpers_table)
    helper_id = await put(stored, "a")

    assert await stored.find(helper_id, "b") is None
    assert await stored.find(helper_id.removeprefix("helper:"), "a") is not None
