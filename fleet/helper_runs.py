"""Runs the helper of an execution with the fleet's ports: the worker for messages, the API for routing links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from fleet.aws import AwsClients
from fleet.clock import SystemClock
from fleet.connections import ConnectionStore
from fleet.connectors import Connectors, http_client
from fleet.execution import Execution
from fleet.executions import ExecutionStore
from fleet.helper_settings import HelperRuntimeSettings, load_helper_settings, load_oauth_clients
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

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient

CONNECTION_CACHE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperRuns:
    """What all runs of a process share. Made by :meth:`open`, which closes clients at its end."""

    settings: HelperRuntimeSettings
    helper_settings: HelperSettings
    dynamodb: DynamoDBClient
    executions: ExecutionStore
    connections: ConnectionStore
    connectors: Connectors
    stored_helpers: StoredHelpers
    state: DynamoStateStore
    http: httpx.AsyncClient
    clock: SystemClock

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: HelperRuntimeSettings,
        aws: AwsClients,
        *,
        connection_cache_seconds: float = CONNECTION_CACHE_SECONDS,
    ) -> AsyncIterator[HelperRuns]:
        """Read the platform secrets and open the HTTP clients."""
        helper_settings = await load_helper_settings(settings, aws.ssm)
        connections = ConnectionStore(aws.dynamodb, settings)
        state = DynamoStateStore(aws.dynamodb, settings.state_table)
        connectors = Connectors(
            connections,
            helper_settings,
            cache_seconds=connection_cache_seconds,
            sandbox_path=settings.sandbox_crm_path,
            state=state,
            reload_clients=lambda: load_oauth_clients(settings, aws.ssm),
        )
        async with http_client(helper_settings) as http:
            try:
                yield cls(
                    settings=settings,
                    helper_settings=helper_settings,
                    dynamodb=aws.dynamodb,
                    executions=ExecutionStore(aws.dynamodb, settings.executions_table),
                    connections=connections,
                    connectors=connectors,
                    stored_helpers=StoredHelpers(aws.dynamodb, settings.helpers_table),
                    state=state,
                    http=http,
                    clock=SystemClock(),
                )
            finally:
                await connectors.close()

    async def run(self, helper: type[Helper[Any]], execution: Execution) -> HelperOutput:
        """Run the helper once. Raises HelperError; a dead API key also puts its connection into ``error``."""
        try:
            return await invoke(helper, invocation_of(execution), await self._ports(helper, execution))
        except CrmError as exc:
            await self.connectors.refused(execution.connection_id, exc)
            raise

    async def _ports(self, helper: type[Helper[Any]], execution: Execution) -> Ports:
        account_id = execution.account_id
        crm = await self._connector(execution)
        shared = {crm.slug: execution.connection_id} if crm and helper.shares_crm_credentials else {}
        folder = Path(self.settings.artifacts_dir) if self.settings.artifacts_dir else None
        return Ports(
            crm=crm,
            http=self.http,
            clock=self.clock,
            state=self.state,
            executions=ChildExecutions(self.executions),
            helpers=AccountHelpers(self.stored_helpers, account_id),
            mail=OutboxMailer(folder, f"{execution.user_id}@users.invalid")
            if folder
            else SesMailer(self.settings, self.dynamodb, execution.user_id),
            files=FolderArtifacts(folder, account_id) if folder else S3Artifacts(self.settings, account_id),
            backups=FolderBackups(folder) if folder else S3Backups(self.settings),
            resolver=DnsResolver(),
            service_auths=await ConnectedServices.load(self.connections, execution.config, account_id, shared),
            settings=self.helper_settings,
        )

    async def _connector(self, execution: Execution) -> CrmConnector | None:
        if not execution.connection_id:
            return None
        return await self.connectors.get(execution.connection_id, execution.account_id)


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
        root_execution_id=execution.root_execution_id,
        depth=execution.depth,
        chain_path=tuple(execution.chain_path),
    )
