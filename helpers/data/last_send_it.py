"""last_send_it: store the date of the last e-mail send."""

from __future__ import annotations

from helpers.contract import Example
from helpers.data.email_stats import LastEvent


class LastSendIt(LastEvent):
    """Nothing is written when there is no such date."""

    type = "last_send_it"
    name = "Last Send It"
    category = "data"
    description = "Store the date of the last e-mail send in a field."
    stat = "LastSentDate"
    example = Example(
        config={"save_to": "last_send"},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "fields": {"_email_stats.ann@example.com.LastSentDate": "2026-01-10T08:00:00Z"},
        },
    )
