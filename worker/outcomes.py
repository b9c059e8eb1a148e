"""How an attempt ended. The type decides what happens to the execution and to its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from helpers.errors import HelperError


class Interruption(StrEnum):
    """Why the work on a group was cut short."""

    SHUTDOWN = "shutdown"
    HANDLE_LOST = "receipt_handle_lost"
    LEASE_LOST = "lease_lost"
    CEILING = "visibility_ceiling"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The helper did its work. ``output`` is JSON-ready."""

    output: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """Trying again would not help. ``output`` is there when the helper reported one."""

    error_type: str
    error: str
    output: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The condition passes; not before ``after`` seconds where the other side said so."""

    error_type: str
    error: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The attempt was cut short by us; it does not count."""

    reason: Interruption


Outcome = Succeeded | Failed | RetryLater | Interrupted


def of_error(error: HelperError) -> Failed | RetryLater:
    """The helper's error decides whether its execution is tried again."""
    name = type(error).__name__
    if error.retryable:
        return RetryLater(name, str(error), error.retry_after)
    return Failed(name, str(error))
