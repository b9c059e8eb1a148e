"""Connector failures: spec/crm.md section 2, with the names of the earlier platform."""

from __future__ import annotations

from enum import StrEnum

from helpers.errors import HelperError


class CrmErrorCode(StrEnum):
    """What went wrong at the vendor, independent of its dialect."""

    AUTH_EXPIRED = "AUTH_EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    VALIDATION = "VALIDATION"
    CONFLICT = "CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    UNSUPPORTED = "UNSUPPORTED"
    UPSTREAM = "UPSTREAM"
    NETWORK = "NETWORK"
    PARTIAL = "PARTIAL"
    # loading a connection (section 3)
    CONNECTION_NOT_FOUND = "CONNECTION_NOT_FOUND"
    NO_AUTH = "NO_AUTH"
    AUTH_NOT_FOUND = "AUTH_NOT_FOUND"
    PLATFORM_NOT_FOUND = "PLATFORM_NOT_FOUND"


class CrmError(HelperError):
    """A CRM connector failed.

    ``status_code`` is the HTTP status, 0 where no answer came; ``retry_after`` is in seconds.
    Messages never hold credentials.
    """

    def __init__(
        self,
        code: CrmErrorCode,
        message: str,
        *,
        platform: str,
        status_code: int = 0,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{platform}: {message} ({code}{f', HTTP {status_code}' if status_code else ''})")
        self.code = code
        self.message = message
        self.platform = platform
        self.status_code = status_code
        self.retryable = retryable
        self.retry_after = retry_after

    def as_json(self) -> dict[str, object]:
        """The error as the earlier platform published it (keys fixed), plus ``retry_after_s``."""
        return {
            "code": self.code.value,
            "message": self.message,
            "status_code": self.status_code,
            "platform": self.platform,
            "retryable": self.retryable,
            "retry_after_s": self.retry_after,
        }


class Unsupported(CrmError):
    """The CRM has no such operation."""

    def __init__(self, platform: str, operation: str) -> None:
        super().__init__(
            CrmErrorCode.UNSUPPORTED,
            f"{operation} is not supported by {platform}",
            platform=platform,
            status_code=501,
        )
        self.operation = operation


class NotFound(CrmError):
    """The CRM knows no such record."""

    def __init__(self, platform: str, kind: str, identifier: str) -> None:
        super().__init__(CrmErrorCode.NOT_FOUND, f"{kind} {identifier!r} not found", platform=platform, status_code=404)
