"""The one error tree of the fleet. An error decides whether its execution is tried again.

MyFusionError
├── UnknownHelperType            no helper of that type in the inventory
├── IncompleteHelper             a helper class without the metadata the registry demands
├── StateConflict                a conditional state write met another writer
└── HelperError                  what a helper run may raise; carries retryable and retry_after
    ├── ConfigRefused            the stored config does not fit the helper: names field and remedy
    ├── PermanentFailure         never tried again
    │   ├── ContactRequired      the helper works on a contact and got none
    │   ├── ConnectionRequired   the helper needs a CRM connection and got none
    │   ├── ServiceAuthRequired  a third-party connection or one of its credentials is missing
    │   ├── TargetRefused        the egress rule forbids this URL
    │   ├── UnknownOutcome       an effect that must not be repeated may have happened
    │   └── HelperCrashed        an exception that is no HelperError: a bug in the helper
    ├── TransientFailure         tried again, not before retry_after seconds
    └── CrmError                 a connector failure (helpers.crm.errors); the connector says if retryable
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MyFusionError(Exception):
    """Something in the helper fleet went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__).strip())


class UnknownHelperType(MyFusionError):
    """No helper of that type is in the inventory."""


class IncompleteHelper(MyFusionError):
    """A helper class lacks metadata that the registry demands."""


class StateConflict(MyFusionError):
    """Another writer changed the state entry first; read it again and decide anew."""


class HelperError(MyFusionError):
    """A helper run failed.

    ``retryable`` says whether the same execution may succeed later; ``retry_after`` is the earliest
    useful wait in seconds, None where the backoff of the worker decides.
    """

    retryable: bool = False
    retry_after: float | None = None


class PermanentFailure(HelperError):
    """The helper cannot do its work for this contact and configuration; trying again would not help."""


class TransientFailure(HelperError):
    """The helper met a condition that passes: timeout, rate limit, outage."""

    retryable = True

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One refused config key: ``field`` is its dotted path, ``remedy`` what to write instead."""

    field: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.remedy}" if self.field else self.remedy


class ConfigRefused(PermanentFailure):
    """The configuration does not fit the helper."""

    def __init__(self, helper_type: str, problems: Sequence[FieldProblem]) -> None:
        self.helper_type = helper_type
        self.problems = tuple(problems)
        super().__init__(f"config of {helper_type} refused: " + "; ".join(map(str, self.problems)))


class ContactRequired(PermanentFailure):
    """This helper works on a contact, and the execution names none: send contact_id."""


class ConnectionRequired(PermanentFailure):
    """This helper needs a CRM connection, and none is stored with it: choose one in its settings."""


class ServiceAuthRequired(PermanentFailure):
    """A third-party connection is missing or lacks a credential: connect the service again."""


class TargetRefused(PermanentFailure):
    """The URL is not allowed as a target: it has to be http(s) and publicly routable."""


class UnknownOutcome(PermanentFailure):
    """A call was sent and its answer does not tell whether it took effect: look at the other side before a new run."""


class HelperCrashed(PermanentFailure):
    """The helper raised an exception that is not a HelperError."""
