"""The calls of DynamoDB Streams, and what their errors mean to a reader."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from aiohttp import ClientError as TransportError
from botocore.exceptions import BotoCoreError, ClientError


class StreamsClient(Protocol):
    """What the router calls; aiobotocore's client and `fleet.testing.streams` both fit."""

    async def list_streams(self, **request: Any) -> Any:
        """ListStreams."""
        ...

    async def describe_stream(self, **request: Any) -> Any:
        """DescribeStream."""
        ...

    async def get_shard_iterator(self, **request: Any) -> Any:
        """GetShardIterator."""
        ...

    async def get_records(self, **request: Any) -> Any:
        """GetRecords."""
        ...


class Trouble(Enum):
    """What a failed call asks of the caller."""

    ITERATOR = "iterator"  # expired or not understood: ask for a new one at the last position
    TRIMMED = "trimmed"  # the position is older than the stream keeps records
    GONE = "gone"  # no such stream or shard
    THROTTLED = "throttled"  # too fast, or a third reader of the shard
    TEMPORARY = "temporary"  # 5xx, reset, timeout
    REFUSED = "refused"  # permissions and the like: an operator has to act


AWS_ERRORS = (ClientError, BotoCoreError, TransportError, TimeoutError, OSError)

_BY_CODE = {
    "ExpiredIteratorException": Trouble.ITERATOR,
    # Emulators and malformed tokens: a fresh iterator is the cure as well.
    "ValidationException": Trouble.ITERATOR,
    "TrimmedDataAccessException": Trouble.TRIMMED,
    "ResourceNotFoundException": Trouble.GONE,
    "LimitExceededException": Trouble.THROTTLED,
    "ProvisionedThroughputExceededException": Trouble.THROTTLED,
    "ThrottlingException": Trouble.THROTTLED,
    "RequestLimitExceeded": Trouble.THROTTLED,
    "InternalServerError": Trouble.TEMPORARY,
    "InternalFailure": Trouble.TEMPORARY,
    "ServiceUnavailable": Trouble.TEMPORARY,
}


def error_code(exc: BaseException) -> str:
    """The service's error code, or the exception's name where the service did not answer."""
    if isinstance(exc, ClientError):
        return str(exc.response.get("Error", {}).get("Code", ""))
    return type(exc).__name__


def trouble(exc: BaseException) -> Trouble:
    """Classify the failure of a streams call."""
    if not isinstance(exc, ClientError):
        return Trouble.TEMPORARY
    known = _BY_CODE.get(error_code(exc))
    if known is not None:
        return known
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Trouble.TEMPORARY if status >= 500 else Trouble.REFUSED
