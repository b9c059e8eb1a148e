"""GoHighLevel's names, types, limits and record shapes."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from helpers.crm.dialect import Dialect, Window, json_of
from helpers.crm.paths import at
from helpers.crm.related import RecordShape
from helpers.crm.values import Kind, ValueForm

SEARCH_PAGE_SIZE = 500
PAGE_SIZE = 100

ATTRIBUTES: Mapping[str, str] = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "phone": "phone",
    "company": "companyName",
    "website": "website",
    "birthday": "dateOfBirth",
    "address1": "address1",
    "city": "city",
    "state": "state",
    "zip": "postalCode",
    "country": "country",
    "source": "source",
    "timezone": "timezone",
    "owner_id": "assignedTo",
}
VALUES = ValueForm(
    kinds={
        "date": Kind.DATE,
        "checkbox": Kind.LIST,
        "multiple_options": Kind.LIST,
        "textbox_list": Kind.LIST,
    }
)


def _day_quota_spent(response: httpx.Response) -> bool:
    remaining: str | None = response.headers.get("X-RateLimit-Daily-Remaining")
    return remaining == "0"


def _scope_missing(response: httpx.Response) -> bool:
    # "The token is not authorized for this scope."; no new token of the same consent would be.
    return "scope" in str(at(json_of(response), "message")).lower()


DIALECT = Dialect(
    platform="gohighlevel",
    windows=(Window(100, 10.0),),
    wait_headers={"X-RateLimit-Interval-Milliseconds": 0.001},
    quota_exhausted=_day_quota_spent,
    scope_missing=_scope_missing,
)
ORDERS = RecordShape(
    created="createdAt",
    currency="currency",
    identifier="_id",
    fields={
        "Id": "_id", "DateCreated": "createdAt", "InvoiceTotal": "amount", "TotalDue": "amount",
        "TotalPaid": "paid", "OrderStatus": "status",
    },
)  # fmt: skip
OPPORTUNITIES = RecordShape(
    created="createdAt",
    fields={
        "Id": "id", "OpportunityTitle": "name", "StageID": "pipelineStageId", "DateCreated": "createdAt",
        "Leadsource": "source", "Status": "status", "MonetaryValue": "monetaryValue",
    },
)  # fmt: skip
