from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

TAGS = [{"id": "77", "name": "VIP"}, {"id": "78", "name": "Newsletter"}, {"id": "1234567", "name": "Big"}]


def crm(**more: Any) -> dict[str, Any]:
    return {"contact": {"id": "c1", "tags": [TAGS[0]]}, "tags": TAGS, **more}


async def test_tags_are_applied_in_order_and_echoed_as_configured() -> None:
    """Ids, names in any case and integers; duplicates are dropped."""
    run = await run_helper("tag_it", {"action": "apply", "tag_ids": [" newsletter ", 1234567, "1234567"]}, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("tag_applied", "c1", "newsletter"),
        ("tag_applied", "c1", "1234567"),
    ]
    assert run.crm.tags_of("c1") == {"77", "78", "1234567"}


async def test_tags_are_removed() -> None:
    """By name as well as by id."""
    run = await run_helper("tag_it", {"action": "remove", "tag_ids": ["vip"]}, crm=crm())

    assert run.output is not None
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("tag_removed", "c1", "vip")]
    assert run.crm.tags_of("c1") == set()


@pytest.mark.parametrize(("action", "tag"), [("apply", "77"), ("remove", "78")])
async def test_already_done_counts_as_done(action: str, tag: str) -> None:
    """Apply and remove are idempotent."""
    run = await run_helper("tag_it", {"action": action, "tag_ids": [tag]}, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert len(run.output.actions) == 1


@pytest.mark.parametrize(("action", "method"), [("apply", "apply_tag"), ("remove", "remove_tag")])
async def test_a_failing_tag_does_not_stop_the_others(action: str, method: str) -> None:
    """The failure is logged; one tag done is success."""
    run = await run_helper("tag_it", {"action": action, "tag_ids": ["77", "78"]}, crm=crm(fail={method: ["77"]}))

    assert run.output is not None
    assert run.output.success
    assert [a.value for a in run.output.actions] == ["78"]
    assert any("77" in line for line in run.output.logs)


async def test_none_done_is_a_failure() -> None:
    """success=false without actions."""
    run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["77", "78"]}, crm=crm(fail={"apply_tag": True}))

    assert run.error is None
    assert run.output is not None
    assert not run.output.success
    assert run.output.actions == []


async def test_a_rate_limited_run_is_retried(busy_crm: Any) -> None:
    """T4: none done and one failure retryable; the vendor's wait is passed on."""
    sandbox = busy_crm(crm(fail={"apply_tag": ["77"]}), apply_tag=["78"])
    run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["77", "78"]}, crm=sandbox)

    assert run.error is not None
    assert run.error.retryable
    assert run.error.retry_after == 5


async def test_one_done_hides_a_rate_limit(busy_crm: Any) -> None:
    """A partly done run is a success."""
    run = await run_helper(
        "tag_it", {"action": "apply", "tag_ids": ["77", "78"]}, crm=busy_crm(crm(), apply_tag=["78"])
    )

    assert run.output is not None
    assert run.output.success
    assert [a.value for a in run.output.actions] == ["77"]


async def test_the_contact_is_not_read() -> None:
    """One call less against the vendor's rate limit."""
    run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["78"]}, crm=crm(fail={"get_contact": True}))

    assert run.output is not None
    assert run.output.success


@pytest.mark.parametrize("contact_id", ["", "unknown"])
async def test_no_contact_is_an_error(contact_id: str) -> None:
    """A missing id as well as an unknown contact; neither is retried."""
    run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["78"]}, contact_id=contact_id, crm=crm())

    assert run.output is None
    assert run.error is not None
    assert not run.error.retryable


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"action": "apply"},
        {"tag_ids": ["77"]},
        {"action": "Apply", "tag_ids": ["77"]},
        {"action": "toggle", "tag_ids": ["77"]},
        {"action": "apply", "tag_ids": []},
        {"action": "apply", "tag_ids": "77"},
        {"action": "apply", "tag_ids": None},
        {"action": "apply", "tag_ids": ["77", " "]},
        {"action": "apply", "tag_ids": [True]},
        {"action": "apply", "tag_ids": [{"id": "77"}]},
        {"action": "apply", "tag_ids": [1.5]},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """The action is case-sensitive, the list a JSON array of references."""
    assert (await run_helper("tag_it", config, crm=crm())).config_error is not None
