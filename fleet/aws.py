"""AWS clients, made once per process: aiobotocore for the services, boto3 for provisioning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiobotocore
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from fleet.settings import FleetSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.client import DynamoDBClient
    from types_aiobotocore_dynamodbstreams.client import DynamoDBStreamsClient
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_ssm.client import SSMClient


@dataclass(frozen=True, slots=True)
class AwsClients:
    """The four services the fleet speaks to."""

    dynamodb: DynamoDBClient
    streams: DynamoDBStreamsClient
    sqs: SQSClient
    ssm: SSMClient


def credentials(settings: FleetSettings) -> dict[str, str]:
    """Made-up credentials for an emulator, none (the default chain) for AWS itself."""
    if settings.aws_endpoint_url is None:
        return {}
    return {"aws_access_key_id": "000000000000", "aws_secret_access_key": "emulator"}


@asynccontextmanager
async def aws_clients(settings: FleetSettings, *, pool_connections: int = 64) -> AsyncIterator[AwsClients]:
    """Open clients that share one configuration.

    ``read_timeout`` outlasts the 20 s long poll. The SQS client does not retry receives by itself for longer than
    standard mode does; callers own the backoff around whole operations.
    """
    config = AioConfig(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=pool_connections,
        retries={"mode": "standard", "total_max_attempts": 4},
        # A given user agent is used as it is; the SDK's own is put together anew for every request, 10 % of its CPU.
        user_agent=f"mfh-fleet aiobotocore/{aiobotocore.__version__}",
    )
    # Router and worker send SQS requests of fixed shapes by the thousand: SQS itself checks them.
    sqs_config = config.merge(AioConfig(parameter_validation=False))
    session = get_session()
    common: dict[str, Any] = {
        "region_name": settings.aws_region,
        "endpoint_url": settings.aws_endpoint_url,
        "config": config,
        **credentials(settings),
    }
    async with AsyncExitStack() as stack:
        yield AwsClients(
            dynamodb=await stack.enter_async_context(session.create_client("dynamodb", **common)),
            streams=await stack.enter_async_context(session.create_client("dynamodbstreams", **common)),
            sqs=await stack.enter_async_context(session.create_client("sqs", **{**common, "config": sqs_config})),
            ssm=await stack.enter_async_context(session.create_client("ssm", **common)),
        )


@asynccontextmanager
async def service_client(settings: FleetSettings, service: str, **credentials_of_tenant: str) -> AsyncIterator[Any]:
    """A client for a service that is used now and then (s3, sesv2); the platform's credentials unless others given."""
    common: dict[str, Any] = {
        "region_name": settings.aws_region,
        "endpoint_url": settings.aws_endpoint_url,
        **(credentials_of_tenant or credentials(settings)),
    }
    session: Any = get_session()
    async with session.create_client(service, **common) as client:
        yield client
