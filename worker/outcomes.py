"""What came of a message. The consumer acts on the type: there are no flags and no None."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The result is stored; delete the message."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed for good and that is stored (and in the dead-letter queue where it belongs there); delete it."""

    error_type: str
    error: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The execution has ended already; nothing ran; delete the message."""

    status: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Hide the message and the rest of its group for ``after_seconds``, then try again."""

    after_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Cut short by shutdown; the attempt was given back. Release the message and the rest of its group at once."""


Outcome = Succeeded | Failed | Duplicate | RetryLater | Interrupted
