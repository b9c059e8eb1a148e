from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

PARSE = {"source_field": "name", "suffix_field": "suffix"}


@pytest.mark.parametrize(
    ("name", "first", "last", "suffix"),
    [
        ("John Doe", "John", "Doe", None),
        ("  John \t Michael\nDoe ", "John", "Michael Doe", None),
        ("Cher", "Cher", "", None),
        ("John Doe Jr.", "John", "Doe", "Jr."),
        ("John Doe, Jr.", "John", "Doe", "Jr."),
        ("John Doe III", "John", "Doe", "III"),
        ("John Doe, Ph.D.", "John", "Doe", "Ph.D."),
        ("John Doe M.D.,", "John", "Doe", "M.D."),
        ("John Doe ESQ", "John", "Doe", "ESQ"),
        ("John Doe v", "John", "Doe", "v"),
        ("John Doe VI", "John", "Doe VI", None),
        ("Doe Jr.", "Doe", "Jr.", None),
        ("Doe, John Michael", "John", "Michael Doe", None),
        ("Doe, John, Jr.", "John", "Doe", "Jr."),
        ("van der Berg, Anna", "Anna", "van der Berg", None),
        ("Dr. John Doe", "Dr.", "John Doe", None),
        ("John Doe,", "John", "Doe", None),
        ("Doe , John", "John", "Doe", None),
        (12345, "12345", "", None),
    ],
)
async def test_names_are_split(name: Any, first: str, last: str, suffix: str | None) -> None:
    """First word, the rest, and a suffix that keeps its spelling minus commas; "Doe, John" is turned around."""
    run = await run_helper("name_parse_it", PARSE, crm={"contact": {"id": "c1"}, "fields": {"name": name}})

    expected = {"first_name": first, "last_name": last, **({"suffix": suffix} if suffix else {})}
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == expected
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", key, value) for key, value in expected.items()
    ]
    assert run.crm.contact("c1").last_name == last


async def test_a_suffix_without_a_field_is_cut_off() -> None:
    """It is no part of the last name either."""
    run = await run_helper(
        "name_parse_it",
        {"source_field": "name", "suffix_field": ""},
        crm={"contact": {"id": "c1"}, "fields": {"name": "John Doe Jr."}},
    )

    assert run.output is not None
    assert run.output.modified_data == {"first_name": "John", "last_name": "Doe"}


async def test_an_old_suffix_is_left_alone_and_an_old_last_name_is_not() -> None:
    """The last name is written also when it is empty."""
    crm = {"contact": {"id": "c1", "last_name": "Old"}, "fields": {"name": "Cher", "suffix": "Jr."}}
    run = await run_helper("name_parse_it", PARSE, crm=crm)

    assert run.crm.contact("c1").last_name == ""
    assert run.crm.field("c1", "suffix") == "Jr."


async def test_the_fields_can_be_chosen() -> None:
    """Blank keys fall back to the standard names."""
    config = {"source_field": "name", "first_name_field": "GivenName", "last_name_field": " "}
    run = await run_helper("name_parse_it", config, crm={"contact": {"id": "c1"}, "fields": {"name": "Ada Lovelace"}})

    assert run.output is not None
    assert run.output.modified_data == {"GivenName": "Ada", "last_name": "Lovelace"}


@pytest.mark.parametrize("empty", [None, "", " \t", ",", {}])
async def test_no_name_is_nothing_to_do(empty: Any) -> None:
    """Nothing is written."""
    crm = {"contact": {"id": "c1", "first_name": "Ada"}, "fields": {"name": empty}}
    run = await run_helper("name_parse_it", PARSE, crm=crm)

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert run.crm.contact("c1").first_name == "Ada"


async def test_one_written_part_is_success_and_none_is_not() -> None:
    """Per-write failures are logged."""
    fields = {"name": "John Doe"}
    some = await run_helper(
        "name_parse_it",
        PARSE,
        crm={"contact": {"id": "c1"}, "fields": fields, "fail": {"set_field_value": ["first_name"]}},
    )
    none = await run_helper(
        "name_parse_it", PARSE, crm={"contact": {"id": "c1"}, "fields": fields, "fail": {"set_field_value": True}}
    )

    assert some.output is not None
    assert none.output is not None
    assert (some.output.success, some.output.modified_data) == (True, {"last_name": "Doe"})
    assert (none.output.success, none.output.modified_data) == (False, {})


async def test_a_name_split_in_its_own_field_keeps_the_last_name_on_a_second_delivery() -> None:
    """The first delivery left "Ada" where "Ada Lovelace" stood."""
    config, ids = {"source_field": "FirstName"}, {"execution_id": "exec:1"}
    first = await run_helper(
        "name_parse_it", config, crm={"contact": {"id": "c1", "first_name": "Ada Lovelace"}}, ids=ids
    )
    second = await run_helper("name_parse_it", config, crm=first.crm, ids=ids, state=first.state)

    contact = second.crm.contact("c1")
    assert (contact.first_name, contact.last_name) == ("Ada", "Lovelace")


async def test_a_failing_read_is_an_error() -> None:
    """An outage is never "no name"."""
    run = await run_helper("name_parse_it", PARSE, crm={"contact": {"id": "c1"}, "fail": {"get_field_value": ["name"]}})

    assert run.error is not None


@pytest.mark.parametrize("config", [{}, {"source_field": ""}, {"source_field": "a", "suffix_field": 5}])
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The source is required."""
    assert (await run_helper("name_parse_it", config, crm={"contact": {"id": "c1"}})).config_error is not None
