"""HubSpot's names, types, limits and record shapes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import httpx

from helpers.crm.dialect import Dialect, Window
from helpers.crm.related import RecordShape
from helpers.crm.values import DateForm, Kind, ValueForm

# Date versions live at least 18 months; /v1-/v4 paths end in 2027.
VERSION = "2026-03"
CONTACTS = f"/crm/objects/{VERSION}/contacts"
COMPANIES = f"/crm/objects/{VERSION}/companies"
LISTS = f"/crm/lists/{VERSION}"
PAGE_SIZE = 100
# A portal with more properties than that reads contacts by POST: servers refuse URLs of 8 KB.
PROPERTIES_IN_URL_CHARACTERS = 6_000
LISTS_PAGE_SIZE = 500
MEMBERS_PAGE_SIZE = 250
STATIC_LISTS = ("MANUAL", "SNAPSHOT")
CONTACT_TYPE = "0-1"
NOTE_TO_CONTACT = 202
NOTE_CHARACTERS = 65_536
# Searches have a limit of their own, beside the general one.
SEARCHES = Window(5, 1.0)
# Three attempts twelve hours apart reach across every midnight.
DAY_QUOTA_WAIT_SECONDS = 12 * 3600.0
HOURS_OF_MOVE = 477  # the portal is being moved to another data centre

ATTRIBUTES: Mapping[str, str] = {
    "first_name": "firstname",
    "last_name": "lastname",
    "email": "email",
    "phone": "phone",
    "company": "company",
    "job_title": "jobtitle",
    "website": "website",
    "birthday": "date_of_birth",
    "address1": "address",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "country": "country",
    "owner_id": "hubspot_owner_id",
}
VALUES = ValueForm(
    kinds={
        "date": Kind.DATE,
        "datetime": Kind.INSTANT,
        "checkbox": Kind.LIST,
        "select": Kind.CHOICE,
        "radio": Kind.CHOICE,
        "booleancheckbox": Kind.YES_NO,
        "bool": Kind.YES_NO,
    },
    dates=DateForm.EPOCH_MILLIS_OR_ISO,
    join=";",
    yes_no=("true", "false"),
    text_only=True,
)


# HubSpot's own properties behind the field keys of last_*_it and email_engagement: marketing e-mails only.
EMAIL_FACTS: Mapping[str, str] = {
    "LastSentDate": "hs_email_last_send_date", "LastOpenDate": "hs_email_last_open_date",
    "LastClickDate": "hs_email_last_click_date", "last_send_date": "hs_email_last_send_date",
    "last_open_date": "hs_email_last_open_date", "last_click_date": "hs_email_last_click_date",
    "send_count": "hs_email_delivered", "open_count": "hs_email_open", "click_count": "hs_email_click",
}  # fmt: skip


def _day_quota_spent(response: httpx.Response) -> bool:
    return '"DAILY"' in response.text or response.headers.get("X-HubSpot-RateLimit-Daily-Remaining") == "0"


class HubSpotDialect(Dialect):
    """As everywhere, but a spent day ends at midnight in the portal's own zone, which the answer does not name."""

    __slots__ = ()

    def wait_seconds(self, response: httpx.Response, now: datetime) -> float | None:
        wait = super().wait_seconds(response, now)
        spent = response.status_code == 429 and self.quota_exhausted(response)
        return max(wait or 0.0, DAY_QUOTA_WAIT_SECONDS) if spent else wait


DIALECT = HubSpotDialect(
    platform="hubspot",
    # The lowest limit of any plan.
    windows=(Window(100, 10.0),),
    wait_headers={"X-HubSpot-RateLimit-Interval-Milliseconds": 0.001},
    quota_exhausted=_day_quota_spent,
    extra_retryable=frozenset({HOURS_OF_MOVE}),
)
ORDERS = RecordShape(
    created="created",
    currency="properties.hs_currency_code",
    fields={
        "Id": "id", "DateCreated": "created", "InvoiceTotal": "properties.hs_total_price",
        "TotalDue": "properties.hs_total_price", "TotalPaid": "properties.hs_total_price",
        "JobTitle": "properties.hs_order_name", "OrderStatus": "properties.hs_fulfillment_status",
    },
)  # fmt: skip
DEALS = RecordShape(
    created="created",
    fields={
        "Id": "id", "OpportunityTitle": "properties.dealname", "StageID": "properties.dealstage",
        "DateCreated": "created", "Amount": "properties.amount",
    },
)  # fmt: skip
DEAL_PROPERTIES = "dealname,dealstage,pipeline,amount,createdate,closedate"
ORDER_PROPERTIES = "hs_order_name,hs_total_price,hs_currency_code,hs_createdate,hs_fulfillment_status"
