"""Values between helpers and vendors: pure tables (spec crm.md section 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.activecampaign.vocabulary import VALUES as AC
from helpers.crm.fields import VendorField
from helpers.crm.gohighlevel.vocabulary import VALUES as GHL
from helpers.crm.hubspot.vocabulary import VALUES as HUBSPOT
from helpers.crm.keap.vocabulary import ORDERS
from helpers.crm.keap.vocabulary import VALUES as KEAP
from helpers.crm.ontraport.vocabulary import VALUES as ONTRAPORT
from helpers.crm.related import evaluate, parse
from helpers.crm.values import ValueForm

GOLF = {"1": "Golf", "2": "Chess"}


@pytest.mark.parametrize(
    ("form", "field_type", "value", "written"),
    [
        (KEAP, "TEXT", "x", "x"), (KEAP, "WHOLE_NUMBER", 7, 7), (KEAP, "YES_NO", True, True),
        (KEAP, "DATE", "2026-03-01T23:00:00-05:00", "2026-03-01"),
        (KEAP, "DATE_TIME", "2026-03-01T23:00:00-05:00", "2026-03-02T04:00:00.000Z"),
        (KEAP, "DATE_TIME", "03/01/2026", "2026-03-01T00:00:00.000Z"), (KEAP, "DATE", "soon", "soon"),
        (KEAP, "LIST_BOX", "a, b", ["a", "b"]), (KEAP, "TEXT", None, None),
        (GHL, "DATE", "2026-03-01", "2026-03-01"), (GHL, "MULTIPLE_OPTIONS", ["a", "b"], ["a", "b"]),
        (AC, "date", "03/01/2026", "2026-03-01"), (AC, "datetime", "2026-03-01T10:00:00-05:00", "2026-03-01T10:00:00-05:00"),
        (AC, "datetime", "2026-03-01 10:00:00", "2026-03-01T10:00:00+00:00"), (AC, "listbox", ["a", "b"], "||a||b||"),
        (AC, "dropdown", "a", "||a||"), (AC, "text", 12.0, "12"), (AC, "text", None, ""),
        (ONTRAPORT, "timestamp", "2026-01-01T00:00:00Z", "1767225600"), (ONTRAPORT, "fulldate", "2026-01-01", "1767225600"),
        (ONTRAPORT, "check", True, "1"), (ONTRAPORT, "check", False, "0"), (ONTRAPORT, "list", ["golf", "Chess"], "*/*1*/*2*/*"),
        (ONTRAPORT, "drop", "Golf", "1"), (ONTRAPORT, "list", [], ""), (ONTRAPORT, "numeric", 5, "5"),
        (HUBSPOT, "date", "2026-03-01T23:00:00-05:00", "2026-03-01"), (HUBSPOT, "datetime", "2026-03-01", "2026-03-01T00:00:00Z"),
        (HUBSPOT, "checkbox", ["Golf", "Chess"], "1;2"), (HUBSPOT, "select", "golf", "1"), (HUBSPOT, "bool", True, "true"),
        (HUBSPOT, "text", 3.5, "3.5"),
    ],
)  # fmt: skip
def test_a_value_is_written_in_the_vendors_form(form: ValueForm, field_type: str, value: Any, written: Any) -> None:
    """Dates, lists, options, booleans and numbers."""
    assert form.write(VendorField(id="1", field_type=field_type), value, GOLF) == written


@pytest.mark.parametrize(
    ("form", "field_type", "stored", "read"),
    [
        (KEAP, "DATE", "2026-03-01", "2026-03-01"), (KEAP, "DATE_TIME", "2026-03-01T10:00:00", "2026-03-01T10:00:00"),
        (KEAP, "DATE_TIME", 1767225600, "2026-01-01T00:00:00Z"), (GHL, "DATE", 1767225600000, "2026-01-01"),
        (GHL, "DATE", "2026-01-01T00:00:00.000Z", "2026-01-01"), (GHL, "DATE", "2026-01-01T05:00:00.000Z", "2026-01-01T05:00:00.000Z"),
        (KEAP, "DATE_TIME", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), (HUBSPOT, "date", "9" * 20, "9" * 20),
        (KEAP, "LIST_BOX", ["a"], ["a"]), (AC, "listbox", "||a||b||", ["a", "b"]), (AC, "dropdown", "||a||", "a"),
        (AC, "dropdown", "a", "a"), (AC, "datetime", "2020-05-19T02:45:00-05:00", "2020-05-19T02:45:00-05:00"),
        (ONTRAPORT, "timestamp", "1767225600", "2026-01-01T00:00:00Z"), (ONTRAPORT, "fulldate", "1767225600", "2026-01-01"),
        (ONTRAPORT, "fulldate", "0", None), (ONTRAPORT, "list", "*/*1*/*2*/*", ["Golf", "Chess"]), (ONTRAPORT, "drop", "2", "Chess"),
        (ONTRAPORT, "check", "1", True), (ONTRAPORT, "text", "5", "5"), (HUBSPOT, "datetime", "1767225600000", "2026-01-01T00:00:00Z"),
        (HUBSPOT, "datetime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), (HUBSPOT, "checkbox", "1;2", ["Golf", "Chess"]),
        (HUBSPOT, "bool", "false", False), (HUBSPOT, "number", "12.5", "12.5"), (KEAP, "TEXT", None, None), (KEAP, "TEXT", "", ""),
    ],
)  # fmt: skip
def test_a_value_is_read_in_the_helpers_form(form: ValueForm, field_type: str, stored: Any, read: Any) -> None:
    """A date-only value stays a date and a naive one naive (data D7)."""
    assert form.read(VendorField(id="1", field_type=field_type), stored, GOLF) == read


ROWS = [
    {"id": "10", "total": {"amount": 3, "currency_code": "USD"}, "total_paid": {"amount": "1.5"}, "order_time": "2026-01-01", "title": "B"},
    {"id": "9", "total": {"amount": 0, "currency_code": "USD"}, "total_paid": {}, "order_time": "2026-01-01", "title": "A"},
    {"id": "11", "total": {"amount": 9, "currency_code": "EUR"}, "total_paid": {"amount": 9}, "order_time": "2026-02-01", "title": "C"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_related.invoice.count", 3), ("_related.invoice.count.nonzero", 2), ("_related.invoice.sum.InvoiceTotal", 3),
        ("_related.invoice.sum.TotalPaid", 1.5), ("_related.invoice.first.JobTitle", "A"), ("_related.invoice.last.title", "C"),
        ("_related.invoice.last.total.currency_code", "EUR"), ("_related.job.first.Nothing", None),
    ],
)  # fmt: skip
def test_related_keys_are_evaluated(key: str, value: Any) -> None:
    """Oldest by time, then by numeric id; sums are in the main currency only."""
    parsed = parse(key)
    assert parsed is not None
    assert evaluate(parsed, ROWS, ORDERS) == value


@pytest.mark.parametrize(
    "key", ["_related", "_related.invoice", "_related.boat.first.Id", "_related.invoice.sum.Tax", "_related.job.count"]
)
def test_a_key_without_meaning_is_not_parsed(key: str) -> None:
    """The connector then answers: unsupported."""
    assert parse(key) is None
