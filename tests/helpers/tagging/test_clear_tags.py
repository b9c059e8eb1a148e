from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from helpers import registry
from helpers.testing import run_helper

TAGS = [
    {"id": "1", "name": "Plan: Gold", "category": "Plans"},
    {"id": "2", "name": "Plan: Silver", "category": " plans "},
    {"id": "3", "name": "plan: bronze", "category": "Old"},
    {"id": "4", "name": "VIP", "category": ""},
]


def crm(**more: Any) -> dict[str, Any]:
    # The contact's own tags carry no category: vendors give it with the definitions only.
    tags = [{"id": tag["id"], "name": tag["name"]} for tag in (TAGS[3], TAGS[0], TAGS[2])]
    return {"contact": {"id": "c1", "tags": tags}, "tags": TAGS, **more}


@pytest.mark.parametrize(
    ("config", "removed", "left"),
    [
        ({"mode": "specific", "tag_ids": ["vip", 1, "1", "2"]}, ["vip", "1", "2"], {"3"}),
        ({"mode": "all"}, ["4", "1", "3"], set()),
        ({"mode": "all", "tag_ids": [], "prefix": "", "category": None}, ["4", "1", "3"], set()),
        ({"mode": "prefix", "prefix": "Plan: "}, ["1"], {"3", "4"}),
        ({"mode": "prefix", "prefix": "plan", "tag_ids": "ignored"}, ["3"], {"1", "4"}),
        ({"mode": "category", "category": " PLANS "}, ["1"], {"3", "4"}),
    ],
)
async def test_tags_are_removed_one_by_one(config: dict[str, Any], removed: list[str], left: set[str]) -> None:
    """Actions carry ids, in mode specific the reference as configured; keys of other modes are ignored."""
    run = await run_helper("clear_tags", config, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("tag_removed", "c1", tag) for tag in removed]
    assert run.crm.tags_of("c1") == left


@pytest.mark.parametrize(
    "config",
    [
        {"mode": "prefix", "prefix": "Nope"},
        {"mode": "category", "category": "Nope"},
        {"mode": "prefix", "prefix": " Plan"},
    ],
)
async def test_nothing_selected_is_nothing_to_do(config: dict[str, Any]) -> None:
    """A successful no-op; the spaces of a prefix count."""
    run = await run_helper("clear_tags", config, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []


async def test_an_untagged_contact_is_nothing_to_do() -> None:
    """Mode all on a contact without tags."""
    run = await run_helper("clear_tags", {"mode": "all"}, crm={"contact": {"id": "c1"}})

    assert run.output is not None
    assert run.output.success


async def test_a_tag_without_category_is_in_none() -> None:
    """A CRM without categories matches nothing."""
    crm_without = {"contact": {"id": "c1", "tags": [TAGS[3]]}, "tags": [TAGS[3]]}
    run = await run_helper("clear_tags", {"mode": "category", "category": "x"}, crm=crm_without)

    assert run.output is not None
    assert run.output.actions == []


async def test_mode_specific_does_not_read_the_contact() -> None:
    """The listed references are removed whether or not the contact has them."""
    config = {"mode": "specific", "tag_ids": ["2"]}
    run = await run_helper("clear_tags", config, crm=crm(fail={"get_contact": True, "get_tags": True}))

    assert run.output is not None
    assert run.output.success


@pytest.mark.parametrize(
    ("config", "fail"),
    [
        ({"mode": "all"}, {"get_contact": True}),
        ({"mode": "prefix", "prefix": "P"}, {"get_contact": True}),
        ({"mode": "category", "category": "Plans"}, {"get_tags": True}),
    ],
)
async def test_an_unreadable_contact_or_tag_list_is_an_error(config: dict[str, Any], fail: dict[str, Any]) -> None:
    """An outage is never "no tags"."""
    run = await run_helper("clear_tags", config, crm=crm(fail=fail))

    assert run.error is not None
    assert run.crm.tags_of("c1") == {"1", "3", "4"}


async def test_a_failing_removal_does_not_stop_the_others() -> None:
    """One done is success, none is not."""
    some = await run_helper("clear_tags", {"mode": "all"}, crm=crm(fail={"remove_tag": ["1"]}))
    none = await run_helper("clear_tags", {"mode": "all"}, crm=crm(fail={"remove_tag": True}))

    assert some.output is not None
    assert none.output is not None
    assert [a.value for a in some.output.actions] == ["4", "3"]
    assert (none.output.success, none.output.actions) == (False, [])


async def test_a_rate_limited_run_is_retried(busy_crm: Any) -> None:
    """T4."""
    run = await run_helper("clear_tags", {"mode": "all"}, crm=busy_crm(crm(), remove_tag=True))

    assert run.error is not None
    assert run.error.retryable


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"mode": "All"},
        {"mode": "specific"},
        {"mode": "specific", "tag_ids": []},
        {"mode": "specific", "tag_ids": None},
        {"mode": "specific", "tag_ids": "77"},
        {"mode": "specific", "tag_ids": {"0": "77"}},
        {"mode": "specific", "tag_ids": [""]},
        {"mode": "prefix"},
        {"mode": "prefix", "prefix": ""},
        {"mode": "prefix", "prefix": 5},
        {"mode": "prefix", "tag_ids": ["77"]},
        {"mode": "category"},
        {"mode": "category", "category": "  "},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Each mode needs its own key."""
    assert (await run_helper("clear_tags", config, crm=crm())).config_error is not None


def test_the_published_schema_demands_entries_in_mode_specific_only() -> None:
    """The form stores an empty list with every other mode."""
    schema = Draft202012Validator(registry.schema("clear_tags"))

    assert schema.is_valid({"mode": "all", "tag_ids": []})
    assert not schema.is_valid({"mode": "specific", "tag_ids": []})
    assert not schema.is_valid({"mode": "specific"})
