from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


@pytest.mark.parametrize(
    ("owner_id", "text"), [("42", "42"), (1234567, "1234567"), (1_000_000_000, "1000000000"), (" a1 ", "a1")]
)
async def test_the_native_owner_is_written_under_its_old_key(owner_id: Any, text: str) -> None:
    """Ids from 1,000,000 on keep their digits; target and modified_data say OwnerID."""
    run = await run_helper("own_it", {"owner_id": owner_id}, crm={"contact": {"id": "c1"}})

    assert run.output is not None
    assert run.output.modified_data == {"OwnerID": text}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("field_updated", "OwnerID", text)]
    assert run.crm.contact("c1").owner_id == text


@pytest.mark.parametrize("owner_id", ["", " ", None, {}, [], ["1"], True, 1.5])
async def test_other_values_are_refused(owner_id: Any) -> None:
    """Blank, missing, object and array are config errors."""
    run = await run_helper("own_it", {"owner_id": owner_id}, crm={"contact": {"id": "c1"}})

    assert run.config_error is not None
    assert (await run_helper("own_it", {}, crm={"contact": {"id": "c1"}})).config_error is not None


async def test_a_failing_write_is_an_error() -> None:
    """The connector error is raised."""
    run = await run_helper(
        "own_it", {"owner_id": 7}, crm={"contact": {"id": "c1"}, "fail": {"set_field_value": ["OwnerID"]}}
    )

    assert run.error is not None
