"""Builds what one run sees: the ports of `helpers.ports` for an execution."""

from __future__ import annotations

from pathlib import Path

import httpx

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.connections import ConnectionStore
from fleet.connectors import Connectors
from fleet.execution import Execution
from fleet.executions import ExecutionStore
from fleet.helper_settings import HelperRuntimeSettings
from fleet.ports.children import ChildExecutions
from fleet.ports.files import FolderArtifacts, FolderBackups, S3Artifacts, S3Backups
from fleet.ports.mail import OutboxMailer, SesMailer
from fleet.ports.resolver import DnsResolver
from fleet.ports.service_auths import ConnectedServices
from fleet.state import DynamoStateStore
from fleet.stored_helpers import AccountHelpers, StoredHelpers
from helpers import registry
from helpers.contract import HelperOutput
from helpers.invocation import Invocation, Ports, invoke
from helpers.ports import HelperSettings


class Runs:
    """Runs helpers of executions with the fleet's ports. One instance serves all runs of a process."""

    def __init__(
        self,
        settings: HelperRuntimeSettings,
        helper_settings: HelperSettings,
        aws: AwsClients,
        executions: ExecutionStore,
        connections: ConnectionStore,
        connectors: Connectors,
        http: httpx.AsyncClient,
    ) -> None:
        self._settings = settings
        self._helper_settings = helper_settings
        self._aws = aws
        self._connections = connections
        self._connectors = connectors
        self._http = http
        self._clock = SystemClock()
        self._state = DynamoStateStore(aws.dynamodb, settings.state_table)
        self._children = ChildExecutions(executions)
        self._helpers = StoredHelpers(aws.dynamodb, settings.helpers_table)
        self._resolver = DnsResolver()

    async def run(self, execution: Execution) -> HelperOutput:
        """One run. Raises HelperError."""
        helper = registry.load(execution.helper_type)
        connector = (
            await self._connectors.get(execution.connection_id, execution.account_id)
            if execution.connection_id
            else None
        )
        folder = Path(self._settings.artifacts_dir) if self._settings.artifacts_dir else None
        output = await invoke(
            helper,
            invocation_of(execution),
            Ports(
                crm=connector,
                http=self._http,
                clock=self._clock,
                state=self._state,
                executions=self._children,
                helpers=AccountHelpers(self._helpers, execution.account_id),
                mail=OutboxMailer(folder, f"{execution.user_id}@users.invalid")
                if folder
                else SesMailer(self._settings, self._aws.dynamodb, execution.user_id),
                files=FolderArtifacts(folder, execution.account_id)
                if folder
                else S3Artifacts(self._settings, execution.account_id),
                backups=FolderBackups(folder) if folder else S3Backups(self._settings),
                resolver=self._resolver,
                service_auths=await ConnectedServices.load(self._connections, execution.config, execution.account_id),
                settings=self._helper_settings,
            ),
        )
        if execution.helper_id:
            await self._helpers.count_run(execution.helper_id)
        return output


def invocation_of(execution: Execution) -> Invocation:
    """What the helper sees of the execution."""
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
        root_execution_id=execution.root_execution_id or execution.execution_id,
        depth=execution.depth,
        chain_path=tuple(execution.chain_path),
    )
