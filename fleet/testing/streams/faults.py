"""What goes wrong, by script: each fault is used up by the calls it hits."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

CONNECTION_RESET = "ConnectionReset"
_SERVER_ERRORS = {"InternalServerError", "InternalFailure", "ServiceUnavailable"}


def client_error(operation: str, code: str, message: str = "") -> ClientError:
    """The exception aiobotocore would raise for that code."""
    status = 500 if code in _SERVER_ERRORS else 400
    return ClientError(
        {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


class Faults:
    """Shared by all clients of a table."""

    def __init__(self) -> None:
        self._errors: defaultdict[str, deque[str]] = defaultdict(deque)
        self.latency_seconds = 0.0
        self.iterator_epoch = 0
        self.repeated_pages = 0
        self.empty_pages = 0

    def fail(self, operation: str, code: str, times: int = 1) -> None:
        """The next calls of ``describe_stream``, ``get_shard_iterator`` or ``get_records`` fail with ``code``:
        an error code of the service, or CONNECTION_RESET."""
        self._errors[operation].extend([code] * times)

    def expire_iterators(self) -> None:
        """Every iterator that was handed out before now is expired."""
        self.iterator_epoch += 1

    def repeat_pages(self, times: int) -> None:
        """The next pages with records are delivered a second time."""
        self.repeated_pages += times

    def answer_empty(self, times: int) -> None:
        """The next pages are empty although records are there; the iterator stays where it is."""
        self.empty_pages += times

    def clear(self) -> None:
        """From now on everything works."""
        self._errors.clear()
        self.repeated_pages = self.empty_pages = 0

    def check(self, operation: str) -> None:
        """Raise the scripted error for this call, if any."""
        if self._errors[operation]:
            code = self._errors[operation].popleft()
            if code == CONNECTION_RESET:
                raise ConnectionClosedError(endpoint_url="https://streams.dynamodb.us-west-2.amazonaws.com")
            raise client_error(operation, code)

    def take_repeat(self) -> bool:
        """Whether this page is to be delivered again."""
        if self.repeated_pages:
            self.repeated_pages -= 1
            return True
        return False

    def take_empty(self) -> bool:
        """Whether this page is to be empty."""
        if self.empty_pages:
            self.empty_pages -= 1
            return True
        return False

    def __repr__(self) -> str:
        waiting: dict[str, Any] = {operation: list(codes) for operation, codes in self._errors.items() if codes}
        return f"Faults(errors={waiting}, repeat={self.repeated_pages}, empty={self.empty_pages})"
