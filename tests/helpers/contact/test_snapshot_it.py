from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.errors import TransientFailure
from helpers.testing import run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "email": "ada@example.com",
    "created_at": "2025-05-01T10:00:00+02:00",
    "tags": [{"id": "5", "name": "VIP"}],
    "custom_fields": {"plan": "Gold", "email": "shadow@example.com", "id": "999", "count": 3, "nothing": None},
}
IDS = {"helper_id": "helper:h", "account_id": "acc"}


async def snapshot(config: dict[str, Any] | None = None, **more: Any) -> Any:
    arguments = {"crm": {"contact": CONTACT}, "ids": IDS, "now": "2026-01-15T10:00:00Z", **more}
    return await run_helper("snapshot_it", config or {}, **arguments)


async def stored(state: Any, record: dict[str, Any]) -> Any:
    """The state entry of that record."""
    key = f"snapshot:acc:helper:h_acc_c1/{record['timestamp']}-{record['id']}"
    return (await state.get(key)).value


async def test_the_record_is_complete() -> None:
    """Custom fields are at top level too, except where they would hide a key of the record."""
    run = await snapshot()

    record = run.output.modified_data
    custom_fields = CONTACT["custom_fields"]
    assert run.output.success
    assert record == {
        "id": record["id"],
        "timestamp": 1768471200,
        "snapshot_contact_id": "helper:h_acc_c1",
        "table_name": "myfusion_helper_contact_snapshots",
        "account_id": "acc",
        "helper_id": "helper:h",
        "contact_id": "c1",
        "first_name": "Ada",
        "last_name": "",
        "email": "ada@example.com",
        "phone": "",
        "company": "",
        "job_title": "",
        "full_name": "Ada",
        "source_crm": "keap",
        "created_at": "2025-05-01T08:00:00Z",
        "plan": "Gold",
        "count": 3,
        "nothing": None,
        "custom_fields": custom_fields,
        "tags": [{"id": "5", "name": "VIP"}],
        "tag_count": 1,
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("snapshot_captured", "c1", record["id"])]


async def test_custom_fields_and_tags_can_be_left_out() -> None:
    """Switched off, their keys are absent."""
    run = await snapshot({"include_tags": False, "include_custom_fields": False})

    assert not {"tags", "tag_count", "custom_fields", "plan"} & set(run.output.modified_data)


async def test_an_untagged_contact_has_an_empty_list() -> None:
    """tags and tag_count are present even without tags."""
    run = await snapshot(crm={"platform": "hubspot", "contact": {"id": "c1"}})

    assert (run.output.modified_data["tags"], run.output.modified_data["tag_count"]) == ([], 0)
    assert run.output.modified_data["source_crm"] == "hubspot"
    assert "created_at" not in run.output.modified_data


async def test_every_run_stores_its_own_record() -> None:
    """The id is new each time, and the stored record is the reported one."""
    first = await snapshot()
    second = await snapshot(state=first.state)

    for run in (first, second):
        assert await stored(second.state, run.output.modified_data) == run.output.modified_data
    assert first.output.modified_data["id"] != second.output.modified_data["id"]


async def test_a_large_record_goes_to_the_artifact_store() -> None:
    """A DynamoDB item holds 400 KB; the entry then points to the file."""
    run = await snapshot(crm={"contact": {**CONTACT, "custom_fields": {"story": "x" * 400_000}}})

    [file] = run.files
    entry = await stored(run.state, run.output.modified_data)
    assert json.loads(file.content) == run.output.modified_data
    assert file.path.startswith("acc/snapshots/helper:h_acc_c1/")
    assert entry["file"] == file.reference
    assert "story" not in entry


async def test_an_unreadable_contact_is_an_error() -> None:
    """There is nothing to store."""
    run = await snapshot(crm={"contact": CONTACT, "fail": {"get_contact": True}})

    assert run.output is None
    assert run.error is not None


async def test_a_failing_store_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that is not stored is none."""
    state = (await snapshot()).state

    async def put(*_: Any, **__: Any) -> None:
        raise TransientFailure("store unreachable")

    monkeypatch.setattr(state, "put", put)
    run = await snapshot(state=state)

    assert run.output is None
    assert run.error is not None
    assert run.error.retryable


@pytest.mark.parametrize("config", [{"include_tags": "yes"}, {"include_custom_fields": 1}])
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Both switches are JSON booleans."""
    assert (await snapshot(config)).config_error is not None
