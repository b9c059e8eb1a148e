"""hook_it_v4: several goals."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM, run_helper

CRM = {"contact": {"id": "c1"}}


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, False),
        ({"goals": []}, False),
        ({"goals": ["a", 1]}, False),
        ({"goals": "a"}, False),
        ({"goals": ["a"], "integration": "", "goal_prefix": None, "stop_on_error": ""}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """Goals are a list of strings."""
    assert ((await run_helper("hook_it_v4", config, crm=CRM)).config_error is None) is valid


@pytest.mark.parametrize(
    ("config", "failing", "achieved", "failed", "success", "extra"),
    [
        ({}, [], ["p_a", "p_b", "p_c"], 0, True, {}),
        ({}, ["p_b"], ["p_a", "p_c"], 1, True, {}),
        ({}, ["p_a", "p_b", "p_c"], [], 3, False, {}),
        ({"stop_on_error": True}, ["p_b"], ["p_a"], 1, False, {"stopped_at": 3}),
        ({"stop_on_error": True}, ["p_a"], [], 1, False, {"stopped_at": 1}),
    ],
)
async def test_goals(
    config: dict[str, Any], failing: list[str], achieved: list[str], failed: int, success: bool, extra: dict[str, Any]
) -> None:
    """In order; empty names are neither achieved nor failed but count in the total and in the position."""
    stored = {"goals": ["a", "", "b", "c"], "goal_prefix": "p_", **config}
    result = await run_helper("hook_it_v4", stored, crm={**CRM, "fail": {"achieve_goal": failing}})

    assert result.output is not None
    assert result.output.success is success
    assert result.output.modified_data == {
        "goals_total": 4, "goals_achieved": len(achieved), "goals_failed": failed, **extra
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("goal_achieved", "c1", goal) for goal in achieved
    ]


async def test_only_empty_names_are_a_success() -> None:
    """Nothing failed."""
    result = await run_helper("hook_it_v4", {"goals": ["", " "], "goal_suffix": "_x"}, crm=CRM)

    assert result.output is not None
    assert result.output.success
    assert result.output.modified_data == {"goals_total": 2, "goals_achieved": 0, "goals_failed": 0}


@pytest.mark.parametrize(("limited", "raises"), [("a", False), ("ab", True)])
async def test_a_retry_only_while_no_goal_is_achieved(limited: str, raises: bool) -> None:
    """Goals cannot be repeated."""

    class Limited(SandboxCRM):
        async def achieve_goal(self, contact_id: str, goal_name: str, integration: str = "") -> None:
            assert integration == "mine"
            if goal_name in limited:
                raise CrmError(CrmErrorCode.RATE_LIMITED, "slow down", platform="keap", retryable=True)

    result = await run_helper("hook_it_v4", {"goals": ["a", "b"], "integration": "mine"}, crm=Limited(CRM))

    assert (result.error is not None and result.error.retryable) is raises
    assert (result.output is not None) is not raises
