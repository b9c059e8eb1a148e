"""What a request handler reaches: the stores, opened once per process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request

from api.problems import Problem
from api.settings import ApiSettings
from fleet.api_keys import ApiKey, ApiKeys
from fleet.aws import AwsClients
from fleet.connections import ConnectionStore
from fleet.execution_index import ExecutionIndex
from fleet.executions import ExecutionStore
from fleet.helper_runs import HelperRuns
from fleet.helper_settings import platform_secrets
from fleet.stored_helpers import StoredHelpers

MAX_IDENTIFIER_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Backend:
    """The stores behind the API."""

    settings: ApiSettings
    api_keys: ApiKeys
    helpers: StoredHelpers
    executions: ExecutionStore
    index: ExecutionIndex
    connections: ConnectionStore
    runs: HelperRuns
    webhook_secrets: dict[str, Any]

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ApiSettings, aws: AwsClients) -> AsyncIterator[Backend]:
        """The stores on these clients, and what runs routing helpers."""
        async with HelperRuns.open(settings, aws) as runs:
            secrets = await platform_secrets(settings, aws.ssm)
            yield cls._over(settings, aws, runs, secrets)

    @classmethod
    def _over(cls, settings: ApiSettings, aws: AwsClients, runs: HelperRuns, secrets: dict[str, Any]) -> Backend:
        return cls(
            settings=settings,
            runs=runs,
            webhook_secrets=secrets,
            api_keys=ApiKeys(aws.dynamodb, settings.api_keys_table),
            helpers=StoredHelpers(aws.dynamodb, settings.helpers_table),
            executions=ExecutionStore(aws.dynamodb, settings.executions_table),
            index=ExecutionIndex(aws.dynamodb, settings.executions_table),
            connections=ConnectionStore(aws.dynamodb, settings),
        )


def backend(request: Request) -> Backend:
    """The process's backend."""
    stores: Backend = request.app.state.backend
    return stores


async def caller(
    stores: Annotated[Backend, Depends(backend)], x_api_key: Annotated[str | None, Header()] = None
) -> ApiKey:
    """Who calls. A missing, unknown, revoked or expired key is a 401."""
    if not x_api_key:
        raise Problem(401, "api_key_missing", "send your API key in the X-API-Key header")
    key = await stores.api_keys.find(x_api_key)
    if key is None:
        raise Problem(401, "api_key_refused", "this API key is unknown, revoked or expired")
    return key


# A DynamoDB key has at most 2,048 bytes; ours are far shorter.
Identifier = Annotated[str, Path(max_length=MAX_IDENTIFIER_LENGTH)]
Stores = Annotated[Backend, Depends(backend)]
Caller = Annotated[ApiKey, Depends(caller)]
