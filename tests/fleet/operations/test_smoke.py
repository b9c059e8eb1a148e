"""The execution that a deployment ends with: it completes, or says how far it came."""

from __future__ import annotations

from typing import Any, cast

import pytest

from fleet.aws import AwsClients
from fleet.execution import Execution
from fleet.executions import ExecutionStore
from fleet.operations.smoke import CONFIG, HELPER_TYPE, SmokeFailed, smoke
from fleet.settings import FleetSettings
from helpers.registry import load
from helpers.testing import run_helper

pytestmark = pytest.mark.stack


async def test_what_nobody_routes_is_named_with_its_state(aws: AwsClients, stage_settings: FleetSettings) -> None:
    """Without a router the row stays queued; the message says where to look."""
    executions = ExecutionStore(aws.dynamodb, stage_settings.executions_table)

    with pytest.raises(SmokeFailed, match=r"exec:\S+ is queued after 0\.01 s: no router sent it"):
        await smoke(executions, timeout_seconds=0.01)


class Fleet:
    """Ends an execution between two looks, as a fleet would."""

    def __init__(self, **outcome: Any) -> None:
        self._outcome = outcome

    async def create(self, execution: Execution) -> tuple[Execution, bool]:
        self._stored = execution
        return execution, True

    async def get(self, execution_id: str) -> Execution:
        assert execution_id == self._stored.execution_id
        return self._stored.model_copy(update=self._outcome)


async def test_a_completed_execution_is_returned() -> None:
    """With what the worker wrote into it."""
    fleet = cast("ExecutionStore", Fleet(status="completed", worker_id="w"))

    assert (await smoke(fleet, timeout_seconds=10)).worker_id == "w"


async def test_a_failed_execution_fails_the_deployment() -> None:
    """With the reason that the worker wrote."""
    fleet = cast("ExecutionStore", Fleet(status="failed", error_message="no such helper"))

    with pytest.raises(SmokeFailed, match="is failed: no such helper"):
        await smoke(fleet, timeout_seconds=10)


async def test_it_needs_neither_crm_nor_contact() -> None:
    """So a new environment can be tried before anybody has connected anything."""
    helper = load(HELPER_TYPE)
    assert not helper.requires_crm
    assert not helper.external

    run = await run_helper(HELPER_TYPE, CONFIG, contact_id="")

    assert run.output is not None
    assert run.output.success
    assert run.requests == []
