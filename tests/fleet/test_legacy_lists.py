"""Configs of the earlier platform get today's HubSpot list ids once (spec crm.md 4.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fleet.aws import AwsClients
from fleet.cli import connections as cli
from fleet.cli.main import app
from fleet.operations.legacy_lists import CONVERTED_AT, convert_lists, list_ids, with_list_ids
from fleet.settings import FleetSettings
from fleet.state import DynamoStateStore
from fleet.stored_helpers import StoredHelpers, new_helper_id
from helpers.crm.connector import CrmConnector
from helpers.crm.sandbox import SandboxConnector
from helpers.errors import PermanentFailure, StateConflict
from helpers.ports import StoredHelper
from helpers.testing.ports import RunState
from tests.helpers.crm.fakes.hubspot import FakeHubSpot

# Old and new ids overlap, as HubSpot's do: 5 is another list now.
LISTS = {"5": "77", "77": "5", "8": "9"}


async def find(old: str) -> str | None:
    """HubSpot's answer."""
    return LISTS.get(old)


@pytest.mark.parametrize(
    ("helper_type", "config", "converted"),
    [
        ("tag_it", {"action": "apply", "tag_ids": ["5", 77, "VIP"]},
         {"action": "apply", "tag_ids": ["77", "5", "VIP"]}),
        ("score_it", {"rules": [{"tag_id": "5", "points": 5, "has_tag": True}]},
         {"rules": [{"tag_id": "77", "points": 5, "has_tag": True}]}),
        ("hook_it_v2", {"event_tag_map": {"a": "5", "b": "none"}, "default_tag_id": "8"},
         {"event_tag_map": {"a": "77", "b": "none"}, "default_tag_id": "9"}),
        ("email_engagement", {"tags": {"hot_segment_tag": "5"}, "lookback_days": 5},
         {"tags": {"hot_segment_tag": "77"}, "lookback_days": 5}),
        ("group_it", {"field": "5", "tag_prefix": "5"}, {"field": "5", "tag_prefix": "5"}),
        ("split_it", {"mode": "tag", "option_a": "5", "split_count": 5},
         {"mode": "tag", "option_a": "77", "split_count": 5}),
        ("split_it", {"mode": "goal", "option_a": "5"}, {"mode": "goal", "option_a": "5"}),
        ("count_it_tags", {"tag_id": "4", "threshold": 5}, {"tag_id": "4", "threshold": 5}),
        ("stage_it", {"basic_match": "5", "to_stage": "5"}, {"basic_match": "5", "to_stage": "5"}),
    ],
)  # fmt: skip
def test_ids_are_replaced_where_tags_are_named(
    helper_type: str, config: dict[str, Any], converted: dict[str, Any]
) -> None:
    """Texts and numbers, at any depth; names, prefixes, thresholds and stages stay."""
    assert with_list_ids(config, helper_type, LISTS) == converted


def test_the_ids_of_a_config_are_found() -> None:
    """What HubSpot is asked."""
    assert list_ids({"tag_ids": ["5", " 8 ", "VIP"], "apply_tag": None, "count": 3}, "tag_it") == {"5", "8"}


async def put(stored: StoredHelpers, connection_id: str, config: dict[str, Any], account: str = "a") -> str:
    """A stored helper's id."""
    helper = StoredHelper(
        helper_id=new_helper_id(), helper_type="tag_it", account_id=account, connection_id=connection_id, config=config
    )
    await stored.put(helper)
    return helper.helper_id


class Runs:
    """What the command asks of HelperRuns: an account whose connection leads to that connector, without helpers."""

    def __init__(self, connector: CrmConnector) -> None:
        self.connector = connector
        self.connectors = self.stored_helpers = self
        self.state = RunState()

    async def get(self, connection_id: str, account_id: str) -> CrmConnector:
        return self.connector

    async def rows(self, account_id: str) -> list[dict[str, Any]]:
        config = {"tag_ids": ["5", "6"]}
        return [{"helper_id": "helper:1", "helper_type": "tag_it", "connection_id": "connection:1", "config": config}]


def command(monkeypatch: pytest.MonkeyPatch, connector: CrmConnector) -> Result:
    """``mfh connections convert-lists`` on that connector."""

    async def with_runs(call: Any) -> Any:
        return await call(Runs(connector))

    monkeypatch.setattr(cli, "_with_runs", with_runs)
    return CliRunner().invoke(app, ["connections", "convert-lists", "connection:1", "--account", "a"])


def test_the_command_shows_what_hubspot_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --apply nothing is written."""
    result = command(monkeypatch, FakeHubSpot().connector())
    shown = json.loads(result.stdout)
    assert (shown["lists"], shown["unknown_lists"], shown["applied"]) == ({"5": "1"}, ["6"], False)


def test_the_command_is_for_hubspot_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other CRMs have kept their ids."""
    result = command(monkeypatch, SandboxConnector())
    assert (result.exit_code, "only HubSpot" in result.stderr) == (1, True)


@pytest.mark.stack
async def test_a_connection_is_converted_once(aws: AwsClients, stage_settings: FleetSettings) -> None:
    """Shown first, then written; other connections and accounts are left alone, and so is what is saved later."""
    stored = StoredHelpers(aws.dynamodb, stage_settings.helpers_table)
    state = DynamoStateStore(aws.dynamodb, stage_settings.state_table)
    config = {"action": "apply", "tag_ids": ["5", "4"], "points": 1.5}
    mine = await put(stored, "connection:1", config)
    unnamed = await put(stored, "connection:1", {})
    others = [await put(stored, "connection:2", config), await put(stored, "connection:1", config, "b")]

    async def convert(*, apply: bool) -> dict[str, Any]:
        return await convert_lists(stored, state, find, "connection:1", "a", apply=apply)

    shown = await convert(apply=False)
    assert (shown["lists"], shown["unknown_lists"], shown["helpers"]) == ({"5": "77"}, ["4"], [mine])
    assert {row["helper_id"]: row["config"] for row in await stored.rows("a")}[mine] == config

    assert (await convert(apply=True))["applied"] is True
    rows = {row["helper_id"]: row for account in "ab" for row in await stored.rows(account)}
    assert rows[mine]["config"] == {"action": "apply", "tag_ids": ["77", "4"], "points": 1.5}
    assert CONVERTED_AT in rows[mine].keys() & rows[unnamed].keys()
    assert [rows[other]["config"] for other in others] == [config, config]
    with pytest.raises(PermanentFailure, match="once is enough"):
        await convert(apply=True)


@pytest.mark.stack
async def test_a_run_that_was_cut_short_goes_on(aws: AwsClients, stage_settings: FleetSettings) -> None:
    """A row that has its new ids is not converted again, although they look like old ones."""
    stored = StoredHelpers(aws.dynamodb, stage_settings.helpers_table)
    state = DynamoStateStore(aws.dynamodb, stage_settings.state_table)
    first, second = [await put(stored, "connection:1", {"tag_ids": ["5"]}) for _ in range(2)]
    await stored.replace_config(first, {"tag_ids": ["5"]}, {"tag_ids": ["77"]}, mark=CONVERTED_AT, at="now")

    await convert_lists(stored, state, find, "connection:1", "a", apply=True)

    rows = {row["helper_id"]: row["config"] for row in await stored.rows("a")}
    assert (rows[first], rows[second]) == ({"tag_ids": ["77"]}, {"tag_ids": ["77"]})


@pytest.mark.stack
async def test_a_config_that_was_saved_meanwhile_is_not_overwritten(
    aws: AwsClients, stage_settings: FleetSettings
) -> None:
    """The user's change wins; the conversion is run again."""
    stored = StoredHelpers(aws.dynamodb, stage_settings.helpers_table)
    helper = await put(stored, "connection:1", {"tag_ids": ["8"]})
    with pytest.raises(StateConflict, match="run the conversion again"):
        await stored.replace_config(helper, {"tag_ids": ["5"]}, {"tag_ids": ["77"]}, mark=CONVERTED_AT, at="now")
