"""ActiveCampaign's names, types, limits and record shapes."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.crm.dialect import Dialect, Window
from helpers.crm.related import RecordShape
from helpers.crm.values import DateForm, Kind, ValueForm

PAGE_SIZE = 100
SUBSCRIBED, UNSUBSCRIBED = "1", "2"
# Re-subscribing someone who left needs the source "by the API, on behalf of the contact".
RESUBSCRIBE_SOURCE = 4

# No website, address or owner: those are custom fields, or live on deals.
ATTRIBUTES: Mapping[str, str] = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "phone": "phone",
    "company": "orgname",
    "job_title": "jobTitle",
}
# They are written through the link to an account.
LINKED = ("company", "job_title")
VALUES = ValueForm(
    kinds={
        "date": Kind.DATE,
        "datetime": Kind.INSTANT,
        "listbox": Kind.LIST,
        "multiselect": Kind.LIST,
        "checkbox": Kind.LIST,
        "dropdown": Kind.CHOICE,
        "radio": Kind.CHOICE,
    },
    dates=DateForm.OFFSET,
    join="||",
    edge="||",
    edged_choices=True,
    text_only=True,
)
DIALECT = Dialect(platform="activecampaign", windows=(Window(5, 1.0),), messages=("message", "errors", "error"))

ORDERS = RecordShape(
    created="createdDate",
    currency="currency",
    fields={
        "Id": "id", "DateCreated": "createdDate", "InvoiceTotal": "total", "TotalPaid": "total", "TotalDue": "total",
        "OrderStatus": "state",
    },
)  # fmt: skip
DEALS = RecordShape(
    created="cdate",
    fields={
        "Id": "id", "OpportunityTitle": "title", "StageID": "stage", "DateCreated": "cdate", "Status": "status",
        "Value": "amount",
    },
)  # fmt: skip
