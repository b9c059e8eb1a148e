"""`terraform apply` on an emulator makes what the services need, and nothing changes without a reason."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.aws import aws_clients
from fleet.clock import instant_text
from fleet.execution import TERMINAL, Execution, new_execution_id
from fleet.executions import ExecutionStore
from fleet.local import emulator
from fleet.local.demo import scenario, seed
from fleet.local.supervisor import ChildSpec, Supervisor
from fleet.operations.smoke import smoke
from fleet.settings import FleetSettings
from fleet.tables import TABLES, table_name
from helpers.crm.sandbox.connector import SandboxConnector
from helpers.crm.sandbox.seed import seed as seed_sandbox
from helpers.crm.sandbox.store import SandboxStore
from tests.terraform.conftest import INVENTORY, VARIABLES, Terraform

SERVICES = {"router": "router", "mfh-dev-worker-tag-it": "worker", "mfh-dev-worker-pool-automation": "worker"}

pytestmark = [
    pytest.mark.stack,
    pytest.mark.embedded("LocalStack's community edition has no ECS, ECR and autoscaling"),
    pytest.mark.xdist_group("terraform"),
]


@pytest.fixture
def settings(embedded_url: str) -> FleetSettings:
    return FleetSettings(stage="dev", aws_endpoint_url=embedded_url, allow_private_targets=True)


def test_a_second_plan_changes_nothing(dev: Terraform) -> None:
    done = dev.run("plan", "-no-color", "-detailed-exitcode", *VARIABLES, check=False)

    assert done.returncode == 0, done.stdout


async def test_tables_are_those_that_the_services_expect(dev: Terraform, settings: FleetSettings) -> None:
    async with aws_clients(settings) as aws:
        for table in TABLES:
            name = table_name(settings, table)
            found = (await aws.dynamodb.describe_table(TableName=name))["Table"]
            wanted = table.definition(name)
            assert found["KeySchema"] == wanted["KeySchema"], name
            assert _indexes(found) == _indexes(wanted), name
            assert found.get("StreamSpecification") == wanted.get("StreamSpecification"), name
            ttl = (await aws.dynamodb.describe_time_to_live(TableName=name))["TimeToLiveDescription"]
            assert ttl.get("AttributeName", "") == table.ttl_attribute, name


def _indexes(table: Any) -> dict[str, Any]:
    indexes = table.get("GlobalSecondaryIndexes", [])
    return {index["IndexName"]: (index["KeySchema"], index["Projection"]["ProjectionType"]) for index in indexes}


async def test_router_and_workers_complete_executions_with_the_environment_of_their_tasks(
    dev: Terraform, settings: FleetSettings
) -> None:
    environments = dev.output("environments")
    supervisor = Supervisor(output=lambda _name, _line: None)
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Path(folder) / "sandbox.db"
        store = SandboxStore(sandbox)
        crm = SandboxConnector(store)
        seed_sandbox(crm, {"contacts": [{"id": "c1"}], "tags": scenario.TAGS})
        store.close()
        async with aws_clients(settings) as aws:
            await seed.connect_sandbox(settings, aws)
            try:
                for service, module in SERVICES.items():
                    port = emulator.free_port()
                    await supervisor.start(
                        ChildSpec(
                            service,
                            [sys.executable, "-m", module],
                            {
                                **environments[service],
                                # What a task has from AWS itself, or what stands in for it here.
                                "AWS_ENDPOINT_URL": settings.aws_endpoint_url or "",
                                "AWS_ACCESS_KEY_ID": "000000000000",
                                "AWS_SECRET_ACCESS_KEY": "emulator",
                                "HEALTH_HOST": emulator.HOST,
                                "HEALTH_PORT": str(port),
                                "SANDBOX_CRM_PATH": str(sandbox),
                                "ALLOW_PRIVATE_TARGETS": "true",
                                "WORKER_WAIT_TIME_SECONDS": "1",
                            },
                            ready_url=f"http://{emulator.HOST}:{port}/healthz",
                            ready_seconds=60,
                        )
                    )
                executions = ExecutionStore(aws.dynamodb, settings.executions_table)
                ended = await _execute(executions)
                tried = await smoke(executions, timeout_seconds=60)
            finally:
                await supervisor.stop()
    assert ended.status == "completed", ended.error_message
    assert tried.status == "completed"


def test_a_new_helper_adds_its_own_resources_only(dev: Terraform) -> None:
    inventory = dev.folder.parents[2] / "helpers" / "inventory.json"
    inventory.write_text(json.dumps({**INVENTORY, "data": ["format_it"]}))
    try:
        dev.run("plan", "-no-color", "-out=new.tfplan", *VARIABLES)
        plan = json.loads(dev.run("show", "-json", "new.tfplan").stdout)
    finally:
        inventory.write_text(json.dumps(INVENTORY))
    changes = {
        change["address"]: change["change"]["actions"]
        for change in plan["resource_changes"]
        if change["change"]["actions"] not in (["no-op"], ["read"])
    }
    assert changes
    for address, actions in changes.items():
        assert actions == ["create"], address
        assert 'helper["format_it"]' in address or 'worker["pool-data"]' in address, address


async def _execute(store: ExecutionStore) -> Execution:
    execution, _ = await store.create(
        Execution(
            execution_id=new_execution_id(),
            helper_type="tag_it",
            account_id=scenario.ACCOUNT,
            connection_id=scenario.CONNECTION,
            contact_id="c1",
            config={"action": "apply", "tag_ids": ["1"]},
            created_at=instant_text(datetime.now(UTC)),
        )
    )
    async with asyncio.timeout(60):
        while True:
            stored = await store.get(execution.execution_id)
            if stored is not None and stored.status in TERMINAL:
                return stored
            await asyncio.sleep(0.1)
