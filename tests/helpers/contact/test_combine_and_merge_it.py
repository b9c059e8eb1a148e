from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

FIELDS = {"a": "Bob", "b": "", "c": "Jones", "n": 1234567.0, "l": ["x", 2], "t": True, "z": None, "s": " ", "o": {}}


def config(sources: list[str], **more: Any) -> dict[str, Any]:
    return {"source_fields": sources, "target_field": "to", **more}


@pytest.mark.parametrize("helper_type", ["combine_it", "merge_it"])
@pytest.mark.parametrize(
    ("sources", "more", "joined"),
    [
        (["a", "c"], {}, "Bob Jones"),
        (["c", "a"], {"separator": None}, "Jones Bob"),
        (["a", "b", "c"], {}, "Bob Jones"),
        (["a", "b", "c"], {"skip_empty": False}, "Bob  Jones"),
        (["a", "c"], {"separator": ""}, "BobJones"),
        (["a", "c"], {"separator": "\\n"}, "Bob\\nJones"),
        (["a", "c"], {"separator": " , "}, "Bob , Jones"),
        (["n", "t"], {"separator": "|"}, "1234567|true"),
        (["l", "a"], {"separator": "|"}, "x,2|Bob"),
        (["z", "a"], {}, "Bob"),
        (["o", "a"], {}, "Bob"),
        (["s", "a"], {"separator": "|"}, " |Bob"),
        (["unknown", "a"], {}, "Bob"),
        (["a", "a"], {}, "Bob Bob"),
        (["b", "z"], {"skip_empty": False, "separator": "-"}, "-"),
        (["a", "c"], {"skip_empty": None}, "Bob Jones"),
    ],
)
async def test_sources_are_joined_in_order(
    helper_type: str, sources: list[str], more: dict[str, Any], joined: str
) -> None:
    """Text forms, kept duplicates, literal separators, doubled separators with skip_empty off."""
    run = await run_helper(helper_type, config(sources, **more), crm={"contact": {"id": "c1"}, "fields": FIELDS})

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"to": joined}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "to", joined)]
    assert run.crm.field("c1", "to") == joined


@pytest.mark.parametrize("helper_type", ["combine_it", "merge_it"])
async def test_nothing_to_join_leaves_the_target_alone(helper_type: str) -> None:
    """Every source empty is a successful no-op."""
    run = await run_helper(
        helper_type, config(["b", "z"]), crm={"contact": {"id": "c1"}, "fields": {**FIELDS, "to": "old"}}
    )

    assert run.output is not None
    assert run.output.success
    assert (run.output.actions, run.output.modified_data) == ([], {})
    assert run.crm.field("c1", "to") == "old"


async def test_the_target_may_be_a_source() -> None:
    """All sources are read before the write."""
    run = await run_helper(
        "combine_it",
        {"source_fields": ["a", "c"], "target_field": "a"},
        crm={"contact": {"id": "c1"}, "fields": FIELDS},
    )

    assert run.crm.field("c1", "a") == "Bob Jones"


@pytest.mark.parametrize("fail", [{"get_field_value": ["c"]}, {"get_contact": True}, {"set_field_value": True}])
async def test_an_outage_is_never_nothing_to_combine(fail: dict[str, Any]) -> None:
    """Read and write failures are errors."""
    run = await run_helper(
        "merge_it", config(["a", "c"]), crm={"contact": {"id": "c1"}, "fields": FIELDS, "fail": fail}
    )

    assert run.output is None
    assert run.error is not None


async def test_combine_takes_one_source_and_merge_needs_two() -> None:
    """Only the minimum number differs; duplicates count."""
    crm = {"contact": {"id": "c1"}, "fields": FIELDS}

    assert (await run_helper("combine_it", config(["a"]), crm=crm)).config_error is None
    assert (await run_helper("merge_it", config(["a"]), crm=crm)).config_error is not None
    assert (await run_helper("merge_it", config(["a", "a"]), crm=crm)).config_error is None


@pytest.mark.parametrize("helper_type", ["combine_it", "merge_it"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"source_fields": []},
        {"source_fields": "a"},
        {"source_fields": ["a", " "]},
        {"source_fields": ["a", None]},
        {"source_fields": ["a", 5]},
        {"source_fields": None},
        {"target_field": ""},
        {"target_field": None},
        {"separator": 5},
        {"skip_empty": "false"},
    ],
)
async def test_wrong_configs_are_refused(helper_type: str, wrong: dict[str, Any]) -> None:
    """Lists are JSON arrays without blank entries."""
    run = await run_helper(helper_type, {**config(["a", "c"]), **wrong}, crm={"contact": {"id": "c1"}})

    assert run.config_error is not None
