"""get_the_last: one value of the contact's newest related record."""

from __future__ import annotations

from helpers.contract import Example
from helpers.data.related_value import RelatedValue


class GetTheLast(RelatedValue):
    """The newest by time of creation, ties by id: the connector orders them."""

    type = "get_the_last"
    name = "Get The Last"
    category = "data"
    description = "Copy one value of the contact's newest related record (invoice, subscription, ...) to a field."
    position = "last"
    example = Example(
        config={"type": "invoice", "from_field": "InvoiceTotal", "to_field": "last_total"},
        crm={"contact": {"id": "c1"}, "fields": {"_related.invoice.last.InvoiceTotal": 120.5}},
    )
