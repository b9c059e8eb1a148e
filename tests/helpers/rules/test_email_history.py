"""The e-mail history of an address."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from helpers.contract import HelperContext
from helpers.crm.errors import Unsupported
from helpers.rules.email_history import EmailEvent, email_events


class Contact:
    """Answers one key."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.lines: list[str] = []

    async def read(self, key: str) -> Any:
        self.asked.append(key)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def log(self, message: str) -> None:
        self.lines.append(message)


async def history(contact: Contact) -> list[EmailEvent] | None:
    return await email_events(cast("HelperContext[Any]", contact), "ann@example.com")


async def test_events_without_a_readable_instant_are_left_out() -> None:
    """So is what is no event at all."""
    contact = Contact([{"type": "click", "at": "2026-01-10T08:00:00Z"}, {"type": "open", "at": "soon"}, "click"])

    assert await history(contact) == [EmailEvent("click", datetime(2026, 1, 10, 8, tzinfo=UTC))]
    assert contact.asked == ["_email_stats.ann@example.com.Events"]


@pytest.mark.parametrize(("answer", "lines"), [(None, 0), ("none", 0), (Unsupported("crm", "e-mail statistics"), 1)])
async def test_a_crm_without_history_is_no_failure(answer: Any, lines: int) -> None:
    """None, which is not the empty history of an address that was never written to."""
    contact = Contact(answer)

    assert await history(contact) is None
    assert len(contact.lines) == lines
    assert await history(Contact([])) == []
