"""What follows the end of a chain's child, whatever was written first."""

from __future__ import annotations

import pytest

from fleet.aws import AwsClients
from fleet.execution import Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.helper_settings import HelperRuntimeSettings
from fleet.settings import FleetSettings
from helpers.rules.children import child_execution_id
from worker.settlement import Settlement

pytestmark = pytest.mark.stack


def chain(status: str, config: dict[str, object]) -> Execution:
    return Execution.model_validate(
        {
            "execution_id": new_execution_id(),
            "helper_type": "chain_it",
            "account_id": "a1",
            "status": status,
            "config": config,
            "created_at": "2026-01-01T00:00:00Z",
        }
    )


def child(parent: Execution, index: int, status: str, depends_on: str = "") -> Execution:
    return Execution.model_validate(
        {
            "execution_id": child_execution_id(parent.execution_id, "primary", index),
            "helper_type": "tag_it",
            "account_id": "a1",
            "status": status,
            "created_at": "2026-01-01T00:00:00Z",
            "parent_execution_id": parent.execution_id,
            "root_execution_id": parent.execution_id,
            "chain_group": "primary",
            "depends_on_execution_id": depends_on,
        }
    )


async def test_a_child_that_ends_before_the_next_one_is_written_does_not_leave_it_waiting(
    aws: AwsClients, stage_settings: FleetSettings
) -> None:
    store = ExecutionStore(aws.dynamodb, stage_settings.executions_table)
    settlement = Settlement(aws, HelperRuntimeSettings(**stage_settings.model_dump()), store)
    running = chain("running", {"helpers": ["helper:a", "helper:b"], "on_failure_helpers": ["helper:c"]})
    first = child(running, 0, "completed")
    second = child(running, 1, "scheduled", first.execution_id)
    for execution in (running, first):
        await store.create(execution)

    await settlement.settle(first)

    await store.create(second)
    await settlement.settle(running.model_copy(update={"status": "completed"}))
    released = await store.get(second.execution_id)
    assert released is not None
    # Nothing but time keeps it: the scheduler queues it.
    assert released.schedule_bucket
    assert not released.depends_on_execution_id


async def test_a_chain_whose_config_is_refused_ends(aws: AwsClients, stage_settings: FleetSettings) -> None:
    store = ExecutionStore(aws.dynamodb, stage_settings.executions_table)
    settlement = Settlement(aws, HelperRuntimeSettings(**stage_settings.model_dump()), store)

    await settlement.settle(chain("failed", {"helpers": 7}))
