"""The stored helpers of the demo: what an account might have configured, one for each type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# A config that must be refused: its execution fails and says why.
BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class DemoHelper:
    """A stored helper: ``key`` is its short key."""

    key: str
    helper_type: str
    config: dict[str, Any] = field(default_factory=dict)


def _fields(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"source_field": source, "target_field": target, **more}


def helpers(receiver_url: str) -> list[DemoHelper]:
    """Every one works without an external service; webhooks go to the receiver on loopback."""
    by_category = (_contact(), _data(), _tagging(), _automation(), _integration(receiver_url), _figures())
    broken = DemoHelper(BROKEN, "format_it", {"field": "last_name", "format": "shouting"})
    return [helper for category in by_category for helper in category] + [broken]


def _contact() -> list[DemoHelper]:
    return [
        DemoHelper("assign", "assign_it", {"owner_id": 7}),
        DemoHelper("clear", "clear_it", {"fields": ["scratch"]}),
        DemoHelper("combine", "combine_it", {"source_fields": ["job_title"], "target_field": "role"}),
        DemoHelper("company", "company_link", {"company_field": "company"}),
        DemoHelper("copy", "copy_it", _fields("phone", "old_phone")),
        DemoHelper("default", "default_to_field", {"default": "@FirstName on @date_today", "to_field": "greeting"}),
        DemoHelper("mapping", "field_to_field", {"mappings": [{"source": "email", "target": "login"}]}),
        DemoHelper("found", "found_it", {"check_field": "job_title", "found_tag_id": "4"}),
        DemoHelper("merge", "merge_it", {"source_fields": ["FirstName", "LastName"], "target_field": "full_name"}),
        DemoHelper("move", "move_it", _fields("lead_source", "first_source")),
        DemoHelper("names", "name_parse_it", {"source_field": "full_name", "last_name_field": "family"}),
        DemoHelper("note", "note_it", {"subject": "Demo", "body": "{{full_name}} was here"}),
        DemoHelper("optin", "opt_in", {"reason": "demo"}),
        DemoHelper("optout", "opt_out", {"reason": "demo", "category": "user_request"}),
        DemoHelper("own", "own_it", {"owner_id": "8"}),
        DemoHelper("snapshot", "snapshot_it"),
        DemoHelper("update", "contact_updater", {"fields": {"segment": "demo"}}),
    ]


def _data() -> list[DemoHelper]:
    zone = {"to_timezone": "America/New_York", "output_format": "Jan 2, 3:04 PM"}
    return [
        DemoHelper("clean", "phone_lookup", {"phone_field": "phone", "save_formatted_to": "clean_phone"}),
        DemoHelper("click", "last_click_it", {"save_to": "last_click"}),
        DemoHelper("dates", "date_calc", {"operation": "add_days", "field": "last_click_date", "amount": 7,
                                          "target_field": "follow_up"}),
        DemoHelper("first", "get_the_first", {"type": "invoice", "from_field": "InvoiceTotal",
                                              "to_field": "first_invoice"}),
        DemoHelper("format", "format_it", {"field": "last_name", "format": "title_case"}),
        DemoHelper("last", "get_the_last", {"type": "invoice", "from_field": "InvoiceTotal",
                                            "to_field": "last_invoice"}),
        DemoHelper("math", "math_it", {"field": "points", "operation": "add", "operand": 10}),
        DemoHelper("opened", "last_open_it", {"save_to": "last_open"}),
        DemoHelper("password", "password_it", {"target_field": "portal_password"}),
        DemoHelper("quote", "quote_it", _fields("company", "quoted_company")),
        DemoHelper("sent", "last_send_it", {"save_to": "last_send"}),
        DemoHelper("slug", "text_it", {"field": "company", "operation": "slug", "target_field": "company_slug"}),
        DemoHelper("split", "split_it", {"mode": "tag", "option_a": "7", "option_b": "8",
                                         "state_field": "split_state"}),
        DemoHelper("sqrt", "advance_math", {"operation": "sqrt", "source_field": "points",
                                            "target_field": "root"}),
        DemoHelper("toggle", "split_it_basic", {"split_type": "tag_split", "last_group": "b", "split_tag_a": "7",
                                                "split_tag_b": "8"}),
        DemoHelper("when", "when_is_it", _fields("last_click_date", "local_click", **zone)),
        DemoHelper("words", "word_count_it", _fields("company", "company_words", count_type="words")),
    ]  # fmt: skip


def _tagging() -> list[DemoHelper]:
    rules = [{"tag_id": "VIP", "points": 50}, {"tag_id": "2", "points": 20}]
    return [
        DemoHelper("cleartags", "clear_tags", {"mode": "prefix", "prefix": "Offer"}),
        DemoHelper("count", "count_tags", {"target_field": "tag_count"}),
        DemoHelper("counttag", "count_it_tags", {"tag_id": "VIP", "save_count_to": "vips"}),
        DemoHelper("group", "group_it", {"field": "company", "tag_prefix": "company: "}),
        DemoHelper("score", "score_it", {"rules": rules, "target_field": "score"}),
        DemoHelper("tag", "tag_it", {"action": "apply", "tag_ids": ["6", "Newsletter"]}),
    ]


def _automation() -> list[DemoHelper]:
    chain = {"helpers": ["tag", "count"], "on_success_helpers": ["score"], "delay_seconds": 0}
    days = dict.fromkeys(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"), "https://example.com/open")
    closed = "https://example.com/closed"
    return [
        DemoHelper("action", "action_it", {"automation_ids": ["welcome", "follow-up"]}),
        DemoHelper("chain", "chain_it", chain),
        DemoHelper("day", "route_it_by_day", {"day_routes": days, "fallback_url": closed}),
        DemoHelper("drip", "drip_it", {"steps": ["one", "two", "three"], "state_field": "drip"}),
        DemoHelper("goal", "goal_it", {"goal_name": "demo"}),
        DemoHelper("limit", "limit_it", {"limit_type": "per_hour", "max_executions": 1000, "scope": "helper"}),
        DemoHelper("match", "match_it", {"source_field": "email", "pattern": "example", "save_result_to": "is_demo"}),
        DemoHelper("simplein", "simple_opt_in", {"opt_in": True}),
        DemoHelper("simpleout", "simple_opt_out", {"reason": "demo"}),
        DemoHelper("source", "route_it_source", {"source_routes": {"google": closed}, "fallback_url": closed}),
        DemoHelper("trigger", "trigger_it", {"automation_id": "welcome"}),
        DemoHelper("video", "video_trigger_it", {"video_id": "intro", "event_type": "50_percent", "apply_tag": "5"}),
    ]


def _integration(receiver_url: str) -> list[DemoHelper]:
    mail = {
        "subject_template": "Hello {{first_name}}",
        "body_template": "<p>Dear {{full_name}}, you have {{points}} points.</p>",
        "from_name": "Demo",
        "from_email": "demo@example.com",
    }
    slack = {"webhook": f"{receiver_url}/slack", "message": "@FirstName of {{company}}", "username": "helpers"}
    notice = {"channel": "email", "subject": "{{full_name}}", "message": "Call {{phone}}", "recipient": ""}
    return [
        DemoHelper("excel", "excel_it", {"fields": ["FirstName", "Email", "points"], "format": "csv"}),
        DemoHelper("hook", "hook_it", {"mode": "v2", "webhook_url": f"{receiver_url}/hook"}),
        DemoHelper("mail", "mail_it", mail),
        DemoHelper("notify", "notify_me", notice),
        DemoHelper("slack", "slack_it", slack),
    ]


def _figures() -> list[DemoHelper]:
    options = {
        "recency_calculation": {"1_2_threshold": 120, "2_3_threshold": 90, "3_4_threshold": 60},
        "frequency_calculation": {"1_2_threshold": 2, "2_3_threshold": 4, "3_4_threshold": 6},
        "monetary_calculation": {"1_2_threshold": 100, "2_3_threshold": 500, "3_4_threshold": 1000},
        "save_data": {"rfm_segment_label": "rfm_segment", "rfm_composite_score": "rfm_score"},
    }
    lifetime = {"lcv_total_orders": "orders", "lcv_total_spend": "lifetime_value"}
    return [
        DemoHelper("clv", "customer_lifetime_value", lifetime),
        DemoHelper("engage", "email_engagement", {"score_field": "engagement", "segment_field": "segment"}),
        DemoHelper("rfm", "rfm_calculation", {"options": options}),
    ]
