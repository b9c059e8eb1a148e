"""get_the_first: one value of the contact's oldest related record."""

from __future__ import annotations

from helpers.contract import Example
from helpers.data.related_value import RelatedValue


class GetTheFirst(RelatedValue):
    """The oldest by time of creation, ties by id: the connector orders them."""

    type = "get_the_first"
    name = "Get The First"
    category = "data"
    description = "Copy one value of the contact's oldest related record (invoice, subscription, ...) to a field."
    position = "first"
    example = Example(
        config={"type": "invoice", "from_field": "InvoiceTotal", "to_field": "first_total"},
        crm={"contact": {"id": "c1"}, "fields": {"_related.invoice.first.InvoiceTotal": 120.5}},
    )
