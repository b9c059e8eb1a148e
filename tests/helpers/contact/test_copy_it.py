from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

COPY = {"source_field": "from", "target_field": "to"}


@pytest.mark.parametrize("value", ["text", " ", "0", 0, 0.0, False, 12.5, ["a", "b"], {"a": 1}])
async def test_the_value_is_copied_with_its_type(value: Any) -> None:
    """0, false and blanks are values and are copied as they are."""
    run = await run_helper("copy_it", COPY, crm={"contact": {"id": "c1"}, "fields": {"from": value, "to": "old"}})

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"to": value}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "to", value)]
    copied = run.crm.field("c1", "to")
    assert (copied, type(copied)) == (value, type(value))


@pytest.mark.parametrize("empty", [None, "", [], {}])
async def test_an_empty_source_never_blanks_the_target(empty: Any) -> None:
    """Nothing to copy is a successful no-op."""
    run = await run_helper("copy_it", COPY, crm={"contact": {"id": "c1"}, "fields": {"from": empty, "to": "old"}})

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert run.output.modified_data == {}
    assert run.crm.field("c1", "to") == "old"


@pytest.mark.parametrize(("target", "written"), [("old", False), (0, False), (" ", False), ("", True), (None, True)])
async def test_without_overwrite_only_an_empty_target_is_written(target: Any, written: bool) -> None:
    """C3 decides what empty means."""
    run = await run_helper(
        "copy_it", {**COPY, "overwrite": False}, crm={"contact": {"id": "c1"}, "fields": {"from": "new", "to": target}}
    )

    assert run.output is not None
    assert run.output.success
    assert bool(run.output.actions) is written
    assert run.crm.field("c1", "to") == ("new" if written else target)


async def test_a_target_that_cannot_be_read_is_not_overwritten() -> None:
    """Under overwrite=false a failed read of the target is an error."""
    crm = {"contact": {"id": "c1"}, "fields": {"from": "new", "to": "old"}, "fail": {"get_field_value": ["to"]}}
    run = await run_helper("copy_it", {**COPY, "overwrite": False}, crm=crm)

    assert run.error is not None
    assert run.crm.field("c1", "to") == "old"


@pytest.mark.parametrize("fail", [{"get_field_value": ["from"]}, {"set_field_value": ["to"]}, {"get_contact": True}])
async def test_failing_reads_and_writes_are_errors(fail: dict[str, Any]) -> None:
    """An outage is never "nothing to copy"."""
    run = await run_helper("copy_it", COPY, crm={"contact": {"id": "c1"}, "fields": {"from": "new"}, "fail": fail})

    assert run.output is None
    assert run.error is not None


async def test_source_and_target_may_be_the_same() -> None:
    """Copying a field onto itself keeps its value."""
    config = {"source_field": "from", "target_field": "from"}
    run = await run_helper("copy_it", config, crm={"contact": {"id": "c1"}, "fields": {"from": "x"}})

    assert run.output is not None
    assert run.output.modified_data == {"from": "x"}


async def test_keys_are_trimmed_and_aliases_echoed_as_configured() -> None:
    """C1 and C2: FirstName reads the standard attribute; the output keeps the spelling."""
    config = {"source_field": " FirstName ", "target_field": "Company"}
    run = await run_helper("copy_it", config, crm={"contact": {"id": "c1", "first_name": "Ada"}})

    assert run.output is not None
    assert run.output.modified_data == {"Company": "Ada"}
    assert run.crm.contact("c1").company == "Ada"


@pytest.mark.parametrize(
    "config",
    [
        {"source_field": "a"},
        {"target_field": "a"},
        {"source_field": "", "target_field": "b"},
        {"source_field": "a", "target_field": "  "},
        {"source_field": 5, "target_field": "b"},
        {"source_field": None, "target_field": "b"},
        {**COPY, "overwrite": "true"},
        {**COPY, "overwrite": 1},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Both keys are required texts, overwrite is a JSON boolean."""
    assert (await run_helper("copy_it", config, crm={"contact": {"id": "c1"}})).config_error is not None


async def test_overwrite_null_is_the_default_and_unknown_keys_are_ignored() -> None:
    """Stored configs carry keys of other helpers."""
    config = {**COPY, "overwrite": None, "preserve": "x"}
    run = await run_helper("copy_it", config, crm={"contact": {"id": "c1"}, "fields": {"from": "new", "to": "old"}})

    assert run.crm.field("c1", "to") == "new"
