"""trigger_it and action_it: starting automations."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM, run_helper


class Flaky(SandboxCRM):
    """Fails some automations as a vendor would."""

    def __init__(self, failures: dict[str, bool]) -> None:
        super().__init__({"contact": {"id": "c1"}})
        self.failures = failures

    async def trigger_automation(self, contact_id: str, automation_id: str) -> None:
        if automation_id in self.failures:
            retryable = self.failures[automation_id]
            raise CrmError(
                CrmErrorCode.RATE_LIMITED if retryable else CrmErrorCode.VALIDATION,
                "no",
                platform="keap",
                status_code=429 if retryable else 400,
                retryable=retryable,
                retry_after=9.0 if retryable else None,
            )
        await super().trigger_automation(contact_id, automation_id)


def started(run: Any) -> list[str]:
    return [event["automation_id"] for event in run.crm.store.events("c1", "automation")]


async def test_one_automation_is_started() -> None:
    """With its action."""
    run = await run_helper("trigger_it", {"automation_id": "42"}, crm={"contact": {"id": "c1"}})

    assert started(run) == ["42"]
    assert run.output is not None
    assert run.output.modified_data == {"automation_id": "42"}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("automation_triggered", "c1", "42")]


@pytest.mark.parametrize("config", [{}, {"automation_id": ""}, {"automation_id": " "}, {"automation_id": 42}])
async def test_a_missing_blank_or_numeric_id_is_refused(config: dict[str, Any]) -> None:
    """trigger_it takes text only."""
    run = await run_helper("trigger_it", config, crm={"contact": {"id": "c1"}})

    assert run.config_error is not None


async def test_a_failure_carries_the_connectors_flag() -> None:
    """Retryable or not."""
    for retryable in (True, False):
        run = await run_helper("trigger_it", {"automation_id": "42"}, crm=Flaky({"42": retryable}))
        assert run.error is not None
        assert run.error.retryable is retryable


@pytest.mark.parametrize("helper_type", ["trigger_it", "action_it"])
async def test_a_contact_is_needed(helper_type: str) -> None:
    """Checked once, centrally."""
    config = {"automation_id": "1", "automation_ids": ["1"]}
    run = await run_helper(helper_type, config, crm={"contact": {"id": "c1"}}, contact_id="")

    assert run.error is not None
    assert not run.error.retryable


async def test_automations_are_started_in_order_and_numbers_become_text() -> None:
    """Duplicates start again, blank items are ignored."""
    config = {"automation_ids": ["b", 1000000.0, "", None, "a", 7, "b"]}
    run = await run_helper("action_it", config, crm={"contact": {"id": "c1"}})

    assert started(run) == ["b", "1000000", "a", "7", "b"]
    assert run.output is not None
    assert run.output.modified_data == {"triggered_ids": ["b", "1000000", "a", "7", "b"], "failed_ids": []}
    assert [a.value for a in run.output.actions] == ["b", "1000000", "a", "7", "b"]


async def test_one_that_fails_does_not_keep_the_others() -> None:
    """Never retried after a partial success, even when the failure was retryable."""
    run = await run_helper("action_it", {"automation_ids": ["1", "2", "3"]}, crm=Flaky({"2": True}))

    assert started(run) == ["1", "3"]
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"triggered_ids": ["1", "3"], "failed_ids": ["2"]}


async def test_all_failed_is_retried_only_when_every_cause_passes() -> None:
    """Nothing happened, so a retry is safe; one permanent cause makes it a failure."""
    transient = await run_helper("action_it", {"automation_ids": ["1", "2"]}, crm=Flaky({"1": True, "2": True}))
    mixed = await run_helper("action_it", {"automation_ids": ["1", "2"]}, crm=Flaky({"1": True, "2": False}))

    assert transient.error is not None
    assert (transient.error.retryable, transient.error.retry_after) == (True, 9.0)
    assert mixed.output is not None
    assert not mixed.output.success
    assert mixed.output.modified_data == {"triggered_ids": [], "failed_ids": ["1", "2"]}


@pytest.mark.parametrize(
    "config",
    [{}, {"automation_ids": "1"}, {"automation_ids": []}, {"automation_ids": ["", " "]}, {"automation_ids": [True]}],
)
async def test_a_bad_list_is_refused(config: dict[str, Any]) -> None:
    """Missing, not an array, empty or only blank items."""
    run = await run_helper("action_it", config, crm={"contact": {"id": "c1"}})

    assert run.config_error is not None
