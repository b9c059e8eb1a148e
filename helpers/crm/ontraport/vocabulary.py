"""Ontraport's object types, names, types, limits and record shapes."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.crm.dialect import Dialect, Window
from helpers.crm.related import RecordShape
from helpers.crm.values import DateForm, Kind, ValueForm

# Larger ranges are silently capped.
PAGE_SIZE = 50
CONTACT, GROUP, NOTE, TAG, TRANSACTION, DEAL = 0, 3, 12, 14, 46, 149
# Values of bulk_mail: 0 is transactional mail only.
OPTED_OUT, OPTED_IN, DOUBLE_OPTED_IN, HARD_BOUNCE = 0, 1, 2, -2

ATTRIBUTES: Mapping[str, str] = {
    "first_name": "firstname",
    "last_name": "lastname",
    "email": "email",
    "phone": "office_phone",
    "company": "company",
    "job_title": "title",
    "website": "website",
    "birthday": "birthday",
    "address1": "address",
    "address2": "address2",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "country": "country",
    "timezone": "timezone",
    "sms_number": "sms_number",
    "fax": "fax",
    "owner_id": "owner",
}
VALUES = ValueForm(
    kinds={
        "timestamp": Kind.INSTANT,
        "fulldate": Kind.DATE,
        "date": Kind.DATE,
        "list": Kind.LIST,
        "drop": Kind.CHOICE,
        "check": Kind.YES_NO,
    },
    dates=DateForm.EPOCH_SECONDS,
    join="*/*",
    edge="*/*",
    yes_no=("1", "0"),
    text_only=True,
)
DIALECT = Dialect(
    platform="ontraport",
    windows=(Window(180, 60.0),),
    wait_headers={"X-Rate-Limit-Reset": 1.0},
    messages=("error", "message", "data"),
)
TRANSACTIONS = RecordShape(
    created="created",
    fields={
        "Id": "id", "DateCreated": "created", "InvoiceTotal": "total", "TotalPaid": "paid", "TotalDue": "total",
        "OrderStatus": "status",
    },
)  # fmt: skip
DEALS = RecordShape(
    created="created",
    fields={
        "Id": "id", "OpportunityTitle": "name", "StageID": "sales_stage", "DateCreated": "created", "Value": "value",
    },
)  # fmt: skip
