"""Keap's names, types, limits and record shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx

from helpers.crm.dialect import Dialect, Window
from helpers.crm.related import RecordShape
from helpers.crm.values import EPOCH_MS_DIGITS, Kind, ValueForm

PAGE_SIZE = 1000
IDS_PER_FILTER = 100

# Optional properties are only answered when they are named.
CONTACT_FIELDS = (
    "given_name,family_name,email_addresses,phone_numbers,company,job_title,tag_ids,custom_fields,addresses,website,"
    "birth_date,anniversary_date,owner_id,time_zone,create_time,update_time,middle_name,prefix,suffix,preferred_name,"
    "spouse_name,contact_type,referral_code,leadsource_id,assistant_name,assistant_phone,fax_numbers"
)
EXPORT_FIELDS = CONTACT_FIELDS + (
    ",billing_information,links,notes,origin,preferred_locale,score_value,social_accounts,source_type,utm_parameters"
)

# name -> key inside an entry of the addresses; the billing address is the contact's own
_ADDRESS_PARTS = {
    "address1": "line1", "address2": "line2", "city": "locality", "state": "region", "zip": "postal_code",
    "country": "country_code",
}  # fmt: skip
_FURTHER_ADDRESSES = {"shipping": "SHIPPING", "other": "OTHER"}

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
    "middle_name": "middle_name",
    "prefix": "prefix",
    "suffix": "suffix",
    "preferred_name": "preferred_name",
    "spouse_name": "spouse_name",
    "contact_type": "contact_type",
    "referral_code": "referral_code",
    "lead_source_id": "leadsource_id",
    "assistant_name": "assistant_name",
    "assistant_phone": "assistant_phone",
    **{f"phone{number}": f"PHONE{number}" for number in range(2, 6)},
    "fax": "FAX1",
    **_ADDRESS_PARTS,
    **{f"{name}_{part}": f"{name}.{key}" for name in _FURTHER_ADDRESSES for part, key in _ADDRESS_PARTS.items()},
}
# What Keap's older API called them: stored configs of its customers do.
ALIASES: Mapping[str, str] = {
    "StreetAddress1": "address1", "StreetAddress2": "address2", "Title": "prefix", "Nickname": "preferred_name",
    "Fax1": "fax", "Leadsource": "lead_source_id",
    "Address2Street1": "shipping_address1", "Address2Street2": "shipping_address2", "City2": "shipping_city",
    "State2": "shipping_state", "PostalCode2": "shipping_zip", "Country2": "shipping_country",
    "Address3Street1": "other_address1", "Address3Street2": "other_address2", "City3": "other_city",
    "State3": "other_state", "PostalCode3": "other_zip", "Country3": "other_country",
}  # fmt: skip
# attribute -> (array, value of its "field", key inside the entry)
SLOTS: Mapping[str, tuple[str, str, str]] = {
    "email": ("email_addresses", "EMAIL1", "email"),
    "email2": ("email_addresses", "EMAIL2", "email"),
    "email3": ("email_addresses", "EMAIL3", "email"),
    "phone": ("phone_numbers", "PHONE1", "number"),
    **{f"phone{number}": ("phone_numbers", f"PHONE{number}", "number") for number in range(2, 6)},
    "fax": ("fax_numbers", "FAX1", "number"),
    **{part: ("addresses", "BILLING", key) for part, key in _ADDRESS_PARTS.items()},
    **{
        f"{name}_{part}": ("addresses", slot, key)
        for name, slot in _FURTHER_ADDRESSES.items()
        for part, key in _ADDRESS_PARTS.items()
    },
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


def _until_the_quota_is_back(response: httpx.Response, now: datetime) -> float:
    """Seconds: what the header says (epoch, seconds or ms), else until 00:00 UTC, when Keap's day begins."""
    text: str = response.headers.get("x-keap-product-quota-expiry-time", "")
    if text.isdecimal():
        expiry = float(text) if len(text) < EPOCH_MS_DIGITS else float(text) / 1000
        if expiry > now.timestamp():
            return expiry - now.timestamp()
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


DIALECT = Dialect(
    platform="keap",
    # Personal and service keys. OAuth has the spike arrest per application and minute and day quotas per client id.
    windows=(Window(10, 1.0), Window(240, 60.0)),
    oauth_windows=(Window(25, 1.0),),
    app_windows=(Window(1500, 60.0), Window(150_000, 86_400.0)),
    quota_exhausted=_day_quota_spent,
    quota_wait=_until_the_quota_is_back,
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
    created="",  # Keap does not tell; a start date is chosen, the ids tell the order
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

MONEY_DIGITS = re.compile(r"[^0-9.,]")

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
ADDRESS_TIMES: Mapping[str, str] = {"send": "last_sent_time", "open": "last_open_time", "click": "last_click_time"}
EMAIL_TIMES: Mapping[str, str] = {"send": "sent_time", "open": "opened_time", "click": "clicked_time"}
