"""password_it: a random password that is in the contact's field and nowhere else."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

import pytest

from helpers.data.password_it import SPECIAL, new_password
from helpers.errors import TransientFailure
from helpers.ports import StateEntry
from helpers.testing import run_helper
from helpers.testing.ports import RunState

IDS = {"execution_id": "exec:1"}


async def run(config: dict[str, Any] | None = None, value: Any = None, **options: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": {"p": value}, **options.pop("crm", {})}
    return await run_helper("password_it", {"target_field": "p", **(config or {})}, crm=fixture, **options)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(None, 12), (12, 12), (0, 12), (-5, 12), ("20", 20), (16.9, 16), (1, 1), (128, 128), ("", 12)],
)
async def test_the_password_has_exactly_that_length(length: Any, expected: int) -> None:
    """Zero and less is the default."""
    assert len((await run({"length": length})).crm.field("c1", "p")) == expected


@pytest.mark.parametrize("length", [129, "many", True])
async def test_other_lengths_are_refused(length: Any) -> None:
    """128 is the most."""
    assert (await run({"length": length})).config_error is not None


def test_every_enabled_class_is_in_it() -> None:
    """Lower, upper, digit and special, as often as one tries."""
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits, SPECIAL]
    for _ in range(200):
        password = new_password(4, include_special=True)
        assert all(set(password) & set(characters) for characters in classes)
        plain = new_password(3, include_special=False)
        assert all(set(plain) & set(characters) for characters in classes[:3])
        assert len(new_password(2, include_special=True)) == 2


def test_special_characters_are_the_documented_ones() -> None:
    """And none of them without include_special."""
    assert SPECIAL == "!@#$%^&*()-_=+[]{}|;:,.<>?"
    assert set(new_password(2000, include_special=False)) == set(string.ascii_letters + string.digits)
    assert set(new_password(5000, include_special=True)) == set(string.ascii_letters + string.digits + SPECIAL)


async def test_the_clear_password_is_only_in_the_field() -> None:
    """Output, message and logs hold a constant."""
    result = await run()

    password = result.crm.field("c1", "p")
    assert password not in result.output.model_dump_json()
    assert result.output.modified_data == {"p": "********"}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "p", "********")]


@pytest.mark.parametrize("value", ["secret", " ", 0])
async def test_an_existing_value_is_kept(value: Any) -> None:
    """White space counts as a value."""
    result = await run({}, value)

    assert result.output.success
    assert (result.output.actions, result.output.modified_data) == ([], {})
    assert result.crm.field("c1", "p") == value


async def test_an_existing_value_is_replaced_on_demand() -> None:
    """overwrite=true."""
    assert len((await run({"overwrite": True}, "old")).crm.field("c1", "p")) == 12


async def test_a_field_that_cannot_be_read_is_not_overwritten() -> None:
    """The earlier platform replaced passwords during outages."""
    result = await run({}, "old", crm={"fail": {"get_field_value": ["p"]}})

    assert result.error is not None
    assert result.crm.field("c1", "p") == "old"


@pytest.mark.parametrize("overwrite", [True, False])
async def test_a_second_delivery_keeps_the_password(overwrite: bool) -> None:
    """Somebody may have been told the first one."""
    first = await run({"overwrite": overwrite}, ids=IDS)
    password = first.crm.field("c1", "p")
    second = await run_helper(
        "password_it", {"target_field": "p", "overwrite": overwrite}, crm=first.crm, ids=IDS, state=first.state
    )

    assert second.crm.field("c1", "p") == password
    assert second.output.success


async def test_another_execution_sets_another_password() -> None:
    """Only the same execution is a repetition."""
    first = await run({"overwrite": True})
    password = first.crm.field("c1", "p")
    second = await run_helper("password_it", {"target_field": "p", "overwrite": True}, crm=first.crm, state=first.state)
    assert second.crm.field("c1", "p") != password


async def test_a_failing_write_fails_the_run() -> None:
    """And the retry may set it."""
    failed = await run(crm={"fail": {"set_field_value": True}}, ids=IDS)
    retried = await run(ids=IDS, state=failed.state)

    assert failed.error is not None
    assert len(retried.crm.field("c1", "p")) == 12


class DyingState(RunState):
    """A store whose worker dies before it records the end of the write."""

    dying = True

    async def put(self, key: str, value: Mapping[str, Any], **options: Any) -> StateEntry:
        if self.dying and "done" in value:
            raise TransientFailure("the worker died")
        return await super().put(key, value, **options)


@pytest.mark.parametrize("overwrite", [True, False])
async def test_a_delivery_after_a_death_between_write_and_record_keeps_the_password(overwrite: bool) -> None:
    """The fingerprint stored before the write tells that the field holds it already."""
    state = DyingState()
    died = await run({"overwrite": overwrite}, ids=IDS, state=state)
    password = died.crm.field("c1", "p")
    state.dying = False
    second = await run_helper(
        "password_it", {"target_field": "p", "overwrite": overwrite}, crm=died.crm, ids=IDS, state=state
    )

    assert died.error is not None
    assert second.crm.field("c1", "p") == password
    assert second.output is not None
    assert second.output.modified_data == {"p": "********"}
    assert [action.value for action in second.output.actions] == ["********"]


async def test_a_delivery_after_a_death_before_the_write_sets_a_password() -> None:
    """What the field holds is not the announced one."""
    failed = await run({"overwrite": True}, "old", crm={"fail": {"set_field_value": True}}, ids=IDS)
    retried = await run({"overwrite": True}, "old", ids=IDS, state=failed.state)

    assert failed.error is not None
    assert retried.crm.field("c1", "p") != "old"


async def test_the_state_never_holds_the_password() -> None:
    """Only its salted fingerprint, and that until the write is known to be made."""
    puts: list[str] = []

    class Recorded(RunState):
        async def put(self, key: str, value: Mapping[str, Any], **options: Any) -> StateEntry:
            puts.append(repr(value))
            return await super().put(key, value, **options)

    result = await run(ids=IDS, state=Recorded())
    assert len(puts) == 2
    assert not any(result.crm.field("c1", "p") in stored for stored in puts)
    assert puts[-1] == "{'done': True}"
