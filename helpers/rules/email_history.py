"""The e-mail history of an address, where the CRM keeps one: sends, opens and clicks with their instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helpers.contract import HelperContext
from helpers.crm.errors import Unsupported
from helpers.rules.dates import instant_of


@dataclass(frozen=True, slots=True)
class EmailEvent:
    """``kind`` is ``send``, ``open`` or ``click``."""

    kind: str
    at: datetime


async def email_events(ctx: HelperContext[Any], address: str) -> list[EmailEvent] | None:
    """The events of the address that have an instant; None where the CRM keeps no history.

    Raises the connector's error, but for a CRM that has no such data.
    """
    try:
        events = await ctx.read(f"_email_stats.{address}.Events")
    except Unsupported as exc:
        ctx.log(f"no e-mail history: {exc}")
        return None
    if not isinstance(events, list):
        return None
    return [
        EmailEvent(str(event.get("type")), at)
        for event in events
        if isinstance(event, Mapping) and (at := instant_of(event.get("at"))) is not None
    ]
