"""last_open_it: store the date of the last e-mail open."""

from __future__ import annotations

from helpers.contract import Example
from helpers.data.email_stats import LastEvent


class LastOpenIt(LastEvent):
    """Nothing is written when there is no such date."""

    type = "last_open_it"
    name = "Last Open It"
    category = "data"
    description = "Store the date of the last e-mail open in a field."
    stat = "LastOpenDate"
    example = Example(
        config={"save_to": "last_open"},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "fields": {"_email_stats.ann@example.com.LastOpenDate": "2026-01-10T08:00:00Z"},
        },
    )
