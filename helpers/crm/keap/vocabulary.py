"""Keap's names, types, limits and record shapes."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from helpers.crm.dialect import Dialect, Window
from helpers.crm.related import RecordShape
from helpers.crm.values import Kind, ValueForm

BASE_URL = "https://api.keap.com/crm/rest/v2"
PAGE_SIZE = 1000
IDS_PER_FILTER = 100

# Optional properties are only answered when they are named.
CONTACT_FIELDS = (
    "given_name,family_name,email_addresses,phone_numbers,company,job_title,tag_ids,custom_fields,addresses,website,"
    "birth_date,anniversary_date,owner_id,time_zone,create_time,update_time"
)
EXPORT_FIELDS = CONTACT_FIELDS + (
    ",contact_type,fax_numbers,lead_source_id,leadsource_id,middle_name,notes,opt_in_reason,origin,preferred_locale,"
    "preferred_name,prefix,referral_code,score_value,social_accounts,source_type,spouse_name,suffix"
)

# The parts of an address, in the order of the names that they had in Keap's older interfaces (spec automation
# timezone_triggers). The rest of the billing address has the names that every CRM has.
_ADDRESS_PARTS = ("line1", "line2", "locality", "region", "postal_code", "country_code")
_OLDER_NAMES: Mapping[str, tuple[str, ...]] = {
    "BILLING": ("StreetAddress1", "StreetAddress2"),
    "SHIPPING": ("Address2Street1", "Address2Street2", "City2", "State2", "PostalCode2", "Country2"),
    "OTHER": ("Address3Street1", "Address3Street2", "City3", "State3", "PostalCode3", "Country3"),
}
_OLDER_SLOTS = {
    name: ("addresses", slot, part)
    for slot, names in _OLDER_NAMES.items()
    for name, part in zip(names, _ADDRESS_PARTS, strict=False)
}

ATTRIBUTES: Mapping[str, str] = {
    "first_name": "given_name",
    "last_name": "family_name",
    "email": "email_addresses",
    "email2": "EMAIL2",
    "email3": "EMAIL3",
    "phone": "phone_numbers",
    "company": "company.company_name",
    "job_title": "job_title",
    "owner_id": "owner_id",
    "website": "website",
    "birthday": "birth_date",
    "anniversary": "anniversary_date",
    "timezone": "time_zone",
    "address1": "line1",
    "address2": "line2",
    "city": "locality",
    "state": "region",
    "zip": "postal_code",
    "country": "country_code",
    **{name: f"{slot}.{part}" for name, (_array, slot, part) in _OLDER_SLOTS.items()},
}
# attribute -> (array, value of its "field", key inside the entry)
SLOTS: Mapping[str, tuple[str, str, str]] = {
    "email": ("email_addresses", "EMAIL1", "email"),
    "email2": ("email_addresses", "EMAIL2", "email"),
    "email3": ("email_addresses", "EMAIL3", "email"),
    "phone": ("phone_numbers", "PHONE1", "number"),
    **{
        name: ("addresses", "BILLING", ATTRIBUTES[name])
        for name in ("address1", "address2", "city", "state", "zip", "country")
    },
    **_OLDER_SLOTS,
}

VALUES = ValueForm(
    kinds={
        "date": Kind.DATE,
        "date_time": Kind.INSTANT,
        "list_box": Kind.LIST,
        "user_list_box": Kind.LIST,
    }
)


def _day_quota_spent(response: httpx.Response) -> bool:
    unit: str = response.headers.get("x-keap-product-quota-time-unit", "")
    spent: bool = response.headers.get("x-keap-product-quota-available") == "0"
    return spent and unit.lower() == "day"


DIALECT = Dialect(
    platform="keap",
    # The spike arrest holds for every kind of key; the minute limits of OAuth are shared by all customers of the
    # client id, so what is left shows in 429s.
    windows=(Window(10, 1.0), Window(240, 60.0)),
    quota_exhausted=_day_quota_spent,
)

ORDERS = RecordShape(
    created="order_time",
    currency="total.currency_code",
    fields={
        "Id": "id", "DateCreated": "creation_time", "InvoiceTotal": "total.amount", "TotalPaid": "total_paid.amount",
        "TotalDue": "total_due.amount", "JobTitle": "title", "OrderStatus": "status", "PromoCode": "promo_code",
        "RefundTotal": "refund_total.amount", "InvoiceId": "invoice_id",
    },
)  # fmt: skip
SUBSCRIPTIONS = RecordShape(
    created="start_date",
    fields={
        "Id": "id", "BillingAmt": "billing_amount", "BillingCycle": "billing_cycle", "StartDate": "start_date",
        "NextBillDate": "next_bill_date", "EndDate": "end_date", "ProductId": "product_id", "Status": "active",
        "ReasonStopped": "reason_stopped",
    },
)  # fmt: skip
OPPORTUNITIES = RecordShape(
    created="created_time",
    fields={
        "Id": "id", "OpportunityTitle": "opportunity_title", "StageID": "stage.id", "Leadsource": "lead_source",
        "ProjectedRevenueLow": "projected_revenue_low", "ProjectedRevenueHigh": "projected_revenue_high",
        "DateCreated": "created_time",
    },
)  # fmt: skip
PAYMENTS = RecordShape(
    created="payment_time",
    fields={"Id": "id", "PayAmt": "amount", "PayType": "type", "PayDate": "payment_time", "PayNote": "note"},
)
# Masked data only: never a full number or CVV.
CARDS = RecordShape(
    created="create_time",
    fields={
        "Last4": "card_info.last_four", "CardType": "card_info.card_type",
        "ExpirationMonth": "card_info.expiration_month", "ExpirationYear": "card_info.expiration_year",
    },
)  # fmt: skip

NOTE_TYPES: Mapping[str, str] = {
    name.lower(): name for name in ("Appointment", "Call", "Email", "Fax", "Letter", "Other")
}
EXPORTS: Mapping[str, str] = {
    "contacts": "contacts", "companies": "companies", "automations": "automations", "tags": "tags",
    "campaigns": "campaigns",
}  # fmt: skip
EXPORT_PAGE_SIZES: Mapping[str, int] = {"automations": 25}
# Field keys of email_engagement and last_*_it that no Keap contact has: derived from the sent e-mails.
ENGAGEMENT: Mapping[str, tuple[str, str]] = {
    "last_send_date": ("send", "last"), "last_open_date": ("open", "last"), "last_click_date": ("click", "last"),
    "LastSentDate": ("send", "last"), "LastOpenDate": ("open", "last"), "LastClickDate": ("click", "last"),
    "send_count": ("send", "count"), "open_count": ("open", "count"), "click_count": ("click", "count"),
}  # fmt: skip
EMAIL_TIMES: Mapping[str, str] = {"send": "sent_time", "open": "opened_time", "click": "clicked_time"}
