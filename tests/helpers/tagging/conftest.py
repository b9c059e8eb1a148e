from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM

BusyCrm = Callable[..., SandboxCRM]


@pytest.fixture
def busy_crm() -> BusyCrm:
    """A sandbox in which the named methods are rate limited: always, or for one of the given arguments."""

    def build(fixture: Mapping[str, Any], **busy: bool | Collection[str]) -> SandboxCRM:
        crm = SandboxCRM(fixture)

        def limit(method: str, arguments: bool | Collection[str]) -> None:
            real = getattr(crm, method)

            async def limited(*given: Any, **named: Any) -> Any:
                if arguments is True or (not isinstance(arguments, bool) and set(arguments) & set(map(str, given))):
                    raise CrmError(
                        CrmErrorCode.RATE_LIMITED,
                        f"{method} is rate limited",
                        platform=crm.slug,
                        status_code=429,
                        retryable=True,
                        retry_after=5,
                    )
                return await real(*given, **named)

            setattr(crm, method, limited)

        for method, arguments in busy.items():
            limit(method, arguments)
        return crm

    return build
