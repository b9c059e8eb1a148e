from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import Tag
from helpers.testing import SandboxCRM, run_helper

GROUP = {"field": "plan", "tag_prefix": "Plan: "}


def crm(plan: Any, *tags: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"contact": {"id": "c1"}, "fields": {"plan": plan}, "tags": list(tags), **more}


async def test_an_existing_tag_is_applied_by_id() -> None:
    """The exact name wins over one that differs in case."""
    sandbox = crm(" Gold ", {"id": "4", "name": "plan: gold"}, {"id": "5", "name": "Plan: Gold"})
    run = await run_helper("group_it", GROUP, crm=sandbox)

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("tag_applied", "c1", "5")]
    assert run.crm.tags_of("c1") == {"5"}


async def test_a_name_matches_in_any_case() -> None:
    """Trimmed as well, where there is no exact match."""
    run = await run_helper("group_it", GROUP, crm=crm("Gold", {"id": "4", "name": " PLAN: gold"}))

    assert run.output is not None
    assert [a.value for a in run.output.actions] == ["4"]


async def test_a_missing_tag_is_created() -> None:
    """tag_created with name and new id, then tag_applied with the id."""
    run = await run_helper("group_it", GROUP, crm=crm(1000000.0, {"id": "4", "name": "Other"}))

    assert run.output is not None
    [created, applied] = run.output.actions
    assert (created.type, created.target) == ("tag_created", "Plan: 1000000")
    assert (applied.type, applied.target, applied.value) == ("tag_applied", "c1", created.value)
    assert run.crm.tags_of("c1") == {created.value}


async def test_other_tags_of_the_prefix_stay() -> None:
    """clear_tags is there to replace."""
    sandbox = crm("Gold", {"id": "4", "name": "Plan: Silver"})
    sandbox["contact"]["tags"] = [{"id": "4", "name": "Plan: Silver"}]
    run = await run_helper("group_it", GROUP, crm=sandbox)

    assert "4" in run.crm.tags_of("c1")


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}])
async def test_no_value_is_nothing_to_do(empty: Any) -> None:
    """No tag is created for an empty value."""
    run = await run_helper("group_it", GROUP, crm=crm(empty))

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []
    assert await run.crm.get_tags() == []


async def test_a_crm_that_cannot_create_tags_is_a_permanent_failure() -> None:
    """success=false, no action."""
    run = await run_helper("group_it", GROUP, crm=crm("Gold", platform="stripe"))

    assert run.error is None
    assert run.output is not None
    assert not run.output.success
    assert run.crm.tags_of("c1") == set()


class RacingCrm(SandboxCRM):
    """Another run creates the tag between our look and our call."""

    appears = True

    async def create_tag(self, name: str) -> Tag:
        if self.appears:
            await super().create_tag(name)
        raise CrmError(CrmErrorCode.CONFLICT, "duplicate name", platform=self.slug, status_code=409)


async def test_a_duplicate_name_is_looked_up_again() -> None:
    """The other run's tag is applied; this run created none."""
    run = await run_helper("group_it", GROUP, crm=RacingCrm(crm("Gold")))

    assert run.output is not None
    assert run.output.success
    assert [a.type for a in run.output.actions] == ["tag_applied"]


async def test_a_duplicate_name_that_cannot_be_found_is_an_error() -> None:
    """The conflict is passed on."""
    sandbox = RacingCrm(crm("Gold"))
    sandbox.appears = False
    run = await run_helper("group_it", GROUP, crm=sandbox)

    assert run.error is not None


@pytest.mark.parametrize(
    "fail", [{"get_field_value": True}, {"get_tags": True}, {"create_tag": True}, {"apply_tag": True}]
)
async def test_failures_are_errors(fail: dict[str, Any]) -> None:
    """Field, tag list, creation, apply."""
    run = await run_helper("group_it", GROUP, crm=crm("Gold", fail=fail))

    assert run.output is None
    assert run.error is not None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"field": "plan"},
        {"field": "", "tag_prefix": "x"},
        {"field": "plan", "tag_prefix": " "},
        {"field": "plan", "tag_prefix": 5},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Both keys are required texts."""
    assert (await run_helper("group_it", config, crm=crm("Gold"))).config_error is not None
