"""Keys that ask for more than a field of the contact: related records, e-mail statistics, goals (spec data D13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from helpers.crm.connector import CrmConnector
from helpers.crm.paths import Record
from helpers.crm.related import RecordShape, evaluate, parse, parse_move
from helpers.rules.text import to_text

_EMAIL_STATS = {"LastSentDate": "send", "LastOpenDate": "open", "LastClickDate": "click"}


class PseudoKeys(CrmConnector):
    """``related`` maps record types to the method that lists a contact's records, and their shape."""

    related: ClassVar[Mapping[str, tuple[str, RecordShape]]] = {}

    async def email_events(self, contact_id: str, email: str) -> list[dict[str, str]]:
        """``{"type": "send"|"open"|"click", "at": ISO}`` of the address."""
        raise self._unsupported("e-mail statistics")

    async def email_time(self, contact_id: str, email: str, kind: str) -> str | None:
        """When the last event of a kind (send, open, click) of the address was, ISO."""
        return max((e["at"] for e in await self.email_events(contact_id, email) if e["type"] == kind), default=None)

    async def goal_achieved(self, contact_id: str, goal: str) -> bool | None:
        """Whether the contact has achieved the goal; None where the CRM keeps no record."""
        raise self._unsupported("goal history")

    async def move_by_keys(self, contact_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Move deals where a key is ``_related.lead.stage.<id>.update_all|update_first``; the other values."""
        others = dict(values)
        for key in values:
            if move := parse_move(key):
                await self.move_deals(contact_id, move[0], to_text(others.pop(key)), every=move[1])
        return others

    async def pseudo_value(self, contact_id: str, key: str) -> Any:
        """The value of a pseudo key. Raises Unsupported for what the CRM does not keep."""
        if key.startswith("_email_stats."):
            email, _, what = key.removeprefix("_email_stats.").rpartition(".")
            if what in _EMAIL_STATS:
                return await self.email_time(contact_id, email, _EMAIL_STATS[what])
            if what == "Events":
                return await self.email_events(contact_id, email)
            raise self._unsupported(f"get_field_value({key})")
        if key.startswith("_goal."):
            return await self.goal_achieved(contact_id, key.removeprefix("_goal.").removesuffix(".achieved"))
        wanted = parse(key)
        if wanted is None or wanted.record_type not in self.related:
            raise self._unsupported(f"get_field_value({key})")
        method, shape = self.related[wanted.record_type]
        records: Sequence[Record] = await getattr(self, method)(contact_id)
        return evaluate(wanted, records, shape)
