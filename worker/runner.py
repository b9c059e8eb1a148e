"""Runs the helper of a claimed execution: builds the ports of one run and calls `helpers.invocation.invoke`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from fleet.clock import SystemClock
from fleet.connections import ConnectionStore
from fleet.connectors import Connectors
from fleet.execution import Execution
from fleet.executions import ExecutionStore
from fleet.ports.children import ChildExecutions
from fleet.ports.files import FolderArtifacts, FolderBackups, S3Artifacts, S3Backups
from fleet.ports.mail import OutboxMailer, SesMailer
from fleet.ports.resolver import DnsResolver
from fleet.ports.service_auths import ConnectedServices
from fleet.state import DynamoStateStore
from fleet.stored_helpers import AccountHelpers, StoredHelpers
from helpers.contract import Helper, HelperOutput
from helpers.crm.connector import CrmConnector
from helpers.crm.errors import CrmError
from helpers.invocation import Invocation, Ports, invoke
from helpers.ports import HelperSettings
from worker.run_counter import RunCounter
from worker.settings import WorkerSettings
from worker.settlement import Settlement

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What all runs of the process share."""

    settings: WorkerSettings
    helper_settings: HelperSettings
    dynamodb: DynamoDBClient
    executions: ExecutionStore
    connections: ConnectionStore
    connectors: Connectors
    stored_helpers: StoredHelpers
    settlement: Settlement
    run_counter: RunCounter
    state: DynamoStateStore
    http: httpx.AsyncClient
    clock: SystemClock


class HelperRunner:
    """Runs one helper type."""

    def __init__(self, helper: type[Helper[Any]], runtime: Runtime) -> None:
        self._helper = helper
        self._runtime = runtime

    @property
    def timeout_seconds(self) -> float:
        """The helper's own bound for one attempt."""
        return self._helper.timeout_seconds

    async def run(self, execution: Execution) -> HelperOutput:
        """Run the helper once. Raises HelperError."""
        try:
            return await invoke(self._helper, _invocation(execution), await self._ports(execution))
        except CrmError as exc:
            await self._runtime.connectors.refused(execution.connection_id, exc)
            raise

    async def ended(self, execution: Execution, *, duplicate: bool) -> None:
        """What follows the end of an execution, before its message is deleted. Raises what kept it from happening:
        the message then comes back as a duplicate, and it happens again."""
        if execution.parent_execution_id:
            await self._runtime.settlement.settle(execution)
        if not duplicate:
            self._runtime.run_counter.count(execution.helper_id)

    async def _ports(self, execution: Execution) -> Ports:
        runtime = self._runtime
        account_id = execution.account_id
        folder = Path(runtime.settings.artifacts_dir) if runtime.settings.artifacts_dir else None
        return Ports(
            crm=await self._connector(execution),
            http=runtime.http,
            clock=runtime.clock,
            state=runtime.state,
            executions=ChildExecutions(runtime.executions),
            helpers=AccountHelpers(runtime.stored_helpers, account_id),
            mail=OutboxMailer(folder, execution.user_id)
            if folder
            else SesMailer(runtime.settings, runtime.dynamodb, execution.user_id),
            files=FolderArtifacts(folder, account_id) if folder else S3Artifacts(runtime.settings, account_id),
            backups=FolderBackups(folder) if folder else S3Backups(runtime.settings),
            resolver=DnsResolver(),
            service_auths=await ConnectedServices.load(runtime.connections, execution.config, account_id),
            settings=runtime.helper_settings,
        )

    async def _connector(self, execution: Execution) -> CrmConnector | None:
        if not execution.connection_id:
            return None
        return await self._runtime.connectors.get(execution.connection_id, execution.account_id)


def _invocation(execution: Execution) -> Invocation:
    return Invocation(
        execution_id=execution.execution_id,
        helper_id=execution.helper_id,
        account_id=execution.account_id,
        user_id=execution.user_id,
        connection_id=execution.connection_id,
        contact_id=execution.contact_id,
        config=execution.config,
        input=execution.input,
        query_params=execution.query_params,
        root_execution_id=execution.root_execution_id,
        depth=execution.depth,
        chain_path=tuple(execution.chain_path),
    )
