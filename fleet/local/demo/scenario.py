"""What the demo works on: contacts and the executions to ask for."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleet.local.demo.stored_helpers import BROKEN

ACCOUNT = "account:demo"
USER = "user:demo"
CONNECTION = "connection:sandbox"

CONTACTS_PATH = Path(__file__).with_name("contacts.csv")
TAGS = (
    {"id": "1", "name": "Lead", "category": "Sales"},
    {"id": "2", "name": "Customer", "category": "Sales"},
    {"id": "3", "name": "Newsletter", "category": "Mail"},
    {"id": "4", "name": "VIP", "category": "Sales"},
    {"id": "5", "name": "Webinar", "category": "Events"},
    {"id": "6", "name": "Clicked", "category": "Mail"},
    {"id": "7", "name": "Offer A", "category": "Split"},
    {"id": "8", "name": "Offer B", "category": "Split"},
)


def contacts() -> list[dict[str, Any]]:
    """The contacts of the CSV, with invoices made up from their points."""
    with CONTACTS_PATH.open(encoding="utf-8", newline="") as lines:
        return [_contact(row) for row in csv.DictReader(lines)]


def _contact(row: dict[str, str]) -> dict[str, Any]:
    points = int(row["points"])
    orders = points // 60
    total = points * 3.5
    fields: dict[str, Any] = {key: value for key, value in row.items() if key not in {"id", "tags"}}
    fields |= {
        "_related.invoice.count": orders,
        "_related.invoice.count.nonzero": orders,
        "_related.invoice.sum.TotalPaid": total,
        "_related.invoice.sum.TotalDue": total,
        "_related.invoice.sum.InvoiceTotal": total,
        "_related.invoice.first.DateCreated": "2025-03-01",
        "_related.invoice.last.DateCreated": row["last_click_date"],
        "_related.invoice.first.InvoiceTotal": 35,
        "_related.invoice.last.InvoiceTotal": 70.5,
        **{
            f"_email_stats.{row['email']}.{name}": row["last_click_date"]
            for name in ("LastClickDate", "LastOpenDate", "LastSentDate")
        },
    }
    return {"id": row["id"], "fields": fields, "tags": [tag for tag in row["tags"].split(";") if tag]}


def requests(keys: list[str], contact_ids: list[str], count: int) -> Iterator[tuple[str, str]]:
    """``count`` pairs of helper key and contact id: every helper in turn, the broken one once."""
    working = [key for key in keys if key != BROKEN]
    yield BROKEN, contact_ids[0]
    for number in range(count - 1):
        # 7 and the number of contacts share no divisor: every contact comes up, neighbours in different groups.
        yield working[number % len(working)], contact_ids[number * 7 % len(contact_ids)]
