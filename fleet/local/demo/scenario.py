"""What the demo works on: contacts, stored helpers and the executions to ask for."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class DemoHelper:
    """A stored helper: ``key`` is its short key."""

    key: str
    helper_type: str
    config: dict[str, Any] = field(default_factory=dict)


def helpers(receiver_url: str) -> list[DemoHelper]:
    """The stored helpers, one for each type, and one whose config must be refused."""
    return [
        DemoHelper("tag", "tag_it", {"action": "apply", "tag_ids": ["6", "Newsletter"]}),
        DemoHelper("copy", "copy_it", {"source_field": "phone", "target_field": "old_phone"}),
        DemoHelper("merge", "merge_it", {"source_fields": ["FirstName", "LastName"], "target_field": "full_name"}),
        DemoHelper("assign", "assign_it", {"owner_id": 7}),
        DemoHelper("format", "format_it", {"field": "last_name", "format": "title_case"}),
        DemoHelper("math", "math_it", {"field": "points", "operation": "add", "operand": 10}),
        DemoHelper(
            "split", "split_it", {"mode": "tag", "option_a": "7", "option_b": "8", "state_field": "split_state"}
        ),
        DemoHelper(
            "score",
            "score_it",
            {"rules": [{"tag_id": "VIP", "points": 50}, {"tag_id": "2", "points": 20}], "target_field": "score"},
        ),
        DemoHelper("group", "group_it", {"field": "lead_source", "tag_prefix": "source: "}),
        DemoHelper("count", "count_tags", {"target_field": "tag_count"}),
        DemoHelper("trigger", "trigger_it", {"automation_id": "welcome"}),
        DemoHelper("action", "action_it", {"automation_ids": ["welcome", "follow-up"]}),
        DemoHelper(
            "chain", "chain_it", {"helpers": ["tag", "count"], "on_success_helpers": ["score"], "delay_seconds": 0}
        ),
        DemoHelper("hook", "hook_it", {"mode": "v2", "webhook_url": f"{receiver_url}/hook"}),
        DemoHelper(
            "mail",
            "mail_it",
            {
                "subject_template": "Hello {{first_name}}",
                "body_template": "<p>Dear {{full_name}}, you have {{points}} points.</p>",
                "from_name": "Demo",
                "from_email": "demo@example.com",
            },
        ),
        DemoHelper(
            "slack",
            "slack_it",
            {"webhook": f"{receiver_url}/slack", "message": "@FirstName of {{company}}", "username": "helpers"},
        ),
        DemoHelper(
            "notify",
            "notify_me",
            {"channel": "email", "subject": "{{full_name}}", "message": "Call {{phone}}", "recipient": ""},
        ),
        DemoHelper("engage", "email_engagement", {"score_field": "engagement", "segment_field": "engagement_segment"}),
        DemoHelper(
            "rfm",
            "rfm_calculation",
            {
                "options": {
                    "recency_calculation": {"1_2_threshold": 120, "2_3_threshold": 90, "3_4_threshold": 60},
                    "frequency_calculation": {"1_2_threshold": 2, "2_3_threshold": 4, "3_4_threshold": 6},
                    "monetary_calculation": {"1_2_threshold": 100, "2_3_threshold": 500, "3_4_threshold": 1000},
                    "save_data": {"rfm_segment_label": "rfm_segment", "rfm_composite_score": "rfm_score"},
                }
            },
        ),
        DemoHelper(
            "clv", "customer_lifetime_value", {"lcv_total_orders": "orders", "lcv_total_spend": "lifetime_value"}
        ),
        DemoHelper(BROKEN, "format_it", {"field": "last_name", "format": "shouting"}),
    ]


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
    }
    return {"id": row["id"], "fields": fields, "tags": [tag for tag in row["tags"].split(";") if tag]}


def requests(keys: list[str], contact_ids: list[str], count: int) -> Iterator[tuple[str, str]]:
    """``count`` pairs of helper key and contact id: every helper in turn, the broken one once."""
    working = [key for key in keys if key != BROKEN]
    yield BROKEN, contact_ids[0]
    for number in range(count - 1):
        # 7 and the number of contacts share no divisor: every contact comes up, neighbours in different groups.
        yield working[number % len(working)], contact_ids[number * 7 % len(contact_ids)]
