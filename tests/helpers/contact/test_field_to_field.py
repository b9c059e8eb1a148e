from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


def mappings(*pairs: str) -> list[dict[str, str]]:
    return [{"source": source, "target": target} for source, target in (pair.split(">") for pair in pairs)]


async def test_each_mapping_sees_what_the_earlier_ones_wrote() -> None:
    """a->b, b->c is a chain, not a swap; types are kept."""
    run = await run_helper(
        "field_to_field",
        {"mappings": mappings("a>b", "b>c")},
        crm={"contact": {"id": "c1"}, "fields": {"a": 0, "b": 9}},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"b": 0, "c": 0}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "b", 0),
        ("field_updated", "c", 0),
    ]
    assert run.crm.field("c1", "c") == 0


async def test_a_mapping_listed_twice_runs_twice() -> None:
    """Its source may have changed in between."""
    mappings = [{"source": "a", "target": "b"}, {"source": "c", "target": "a"}, {"source": "a", "target": "b"}]
    run = await run_helper(
        "field_to_field", {"mappings": mappings}, crm={"contact": {"id": "c1"}, "fields": {"a": "1", "c": "3"}}
    )

    assert run.output is not None
    assert [(a.target, a.value) for a in run.output.actions] == [("b", "1"), ("a", "3"), ("b", "3")]
    assert run.crm.field("c1", "b") == "3"


async def test_empty_sources_and_kept_targets_are_skipped() -> None:
    """overwrite=false keeps a target with a value."""
    run = await run_helper(
        "field_to_field",
        {"mappings": mappings("empty>x", "a>full", "a>free"), "overwrite": False},
        crm={"contact": {"id": "c1"}, "fields": {"empty": "", "a": "new", "full": "old", "free": ""}},
    )

    assert run.output is not None
    assert run.output.modified_data == {"free": "new"}
    assert run.crm.field("c1", "full") == "old"


async def test_nothing_copied_is_a_failure() -> None:
    """Everything skipped: success=false without actions."""
    run = await run_helper(
        "field_to_field", {"mappings": mappings("empty>x")}, crm={"contact": {"id": "c1"}, "fields": {"empty": None}}
    )

    assert run.output is not None
    assert not run.output.success
    assert (run.output.actions, run.output.modified_data) == ([], {})


@pytest.mark.parametrize("fail", [{"get_field_value": ["a"]}, {"set_field_value": ["b"]}])
async def test_a_failing_mapping_does_not_stop_the_next(fail: dict[str, Any]) -> None:
    """The failure is logged."""
    run = await run_helper(
        "field_to_field",
        {"mappings": mappings("a>b", "c>d")},
        crm={"contact": {"id": "c1"}, "fields": {"a": 1, "c": 2}, "fail": fail},
    )

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"d": 2}
    assert any("copy a to b failed" in line for line in run.output.logs)


async def test_an_outage_is_retried(busy_crm: Any) -> None:
    """Nothing copied and one retryable cause, next to a skipped mapping."""
    crm = busy_crm({"contact": {"id": "c1"}, "fields": {"a": 1, "empty": ""}}, set_field_value=True)
    run = await run_helper("field_to_field", {"mappings": mappings("empty>x", "a>b")}, crm=crm)

    assert run.error is not None
    assert run.error.retryable


async def test_a_retryable_failure_does_not_undo_a_copy(busy_crm: Any) -> None:
    """One mapping done is success."""
    crm = busy_crm({"contact": {"id": "c1"}, "fields": {"a": 1, "c": 2}}, set_field_value=["b"])
    run = await run_helper("field_to_field", {"mappings": mappings("a>b", "c>d")}, crm=crm)

    assert run.output is not None
    assert run.output.success


@pytest.mark.parametrize(
    ("pairs", "overwrite", "expected"),
    [
        (["b>c", "a>b"], True, {"a": 1, "b": 1, "c": 2}),
        (["a>b", "b>a"], True, {"a": 1, "b": 1, "c": 3}),
        (["first>FirstName", "given_name>c", "a>first_name"], True, {"first_name": 1, "c": 7}),
        (["a>d", "b>d"], False, {"d": 1}),
    ],
)
async def test_a_second_delivery_copies_what_the_first_did(
    pairs: list[str], overwrite: bool, expected: dict[str, Any]
) -> None:
    """It finds sources that later copies wrote, and targets that hold its own value."""
    config = {"mappings": mappings(*pairs), "overwrite": overwrite}
    crm = {"contact": {"id": "c1"}, "fields": {"a": 1, "b": 2, "c": 3, "first": 7}}
    ids = {"execution_id": "exec:1"}
    first = await run_helper("field_to_field", config, crm=crm, ids=ids)
    second = await run_helper("field_to_field", config, crm=first.crm, ids=ids, state=first.state)

    assert {key: second.crm.field("c1", key) for key in expected} == expected
    assert first.output is not None
    assert second.output is not None
    assert second.output.success
    assert second.output.actions == first.output.actions


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"mappings": []},
        {"mappings": {"source": "a", "target": "b"}},
        {"mappings": ["a"]},
        {"mappings": [{"source": "a"}]},
        {"mappings": [{"source": "a", "target": " "}]},
        {"mappings": [{"source": 5, "target": "b"}]},
        {"source_field": "a", "target_field": "b"},
        {"mappings": [{"source_field": "a", "target_field": "b"}]},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The keys of the old form were never valid."""
    assert (await run_helper("field_to_field", config, crm={"contact": {"id": "c1"}})).config_error is not None
