"""Related data behind the pseudo keys of spec data D13: records of a contact, counts, sums, first and last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from helpers.crm.paths import at
from helpers.rules.fields import fold
from helpers.rules.instants import parse_instant

RECORD_TYPES = ("invoice", "job", "subscription", "lead", "creditcard", "payment")
INVOICE_SUMS = ("TotalPaid", "TotalDue", "InvoiceTotal")


@dataclass(frozen=True, slots=True)
class RelatedKey:
    """A parsed ``_related.`` key.

    ``what`` is first, last, count, nonzero, sum or stage; ``argument`` is a field name or a stage id.
    """

    record_type: str
    what: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class RecordShape:
    """Where a vendor's record has what: dotted paths. ``fields`` maps the stored configs' names.

    ``created`` is "" where the record does not say; then the numeric ids order the records.
    """

    created: str
    fields: Mapping[str, str]
    currency: str = ""
    identifier: str = "id"

    def value(self, record: Mapping[str, Any], name: str) -> Any:
        """A field by the name of the stored configs, in their spelling or in snake_case, or by the vendor's own."""
        if name not in self.fields:
            names = {fold(known): known for known in self.fields}
            name = names.get(fold(name), name)
        value = at(record, self.fields.get(name, name))
        return value["amount"] if isinstance(value, Mapping) and "amount" in value else value


def parse(key: str) -> RelatedKey | None:
    """The key's meaning, None when it has none."""
    parts = key.split(".")
    if len(parts) < 3 or parts[0] != "_related" or parts[1] not in RECORD_TYPES:
        return None
    record_type, what, rest = parts[1], parts[2], ".".join(parts[3:])
    if what in ("first", "last") and rest:
        return RelatedKey(record_type, what, rest)
    if record_type == "invoice" and what == "count" and rest in ("", "nonzero"):
        return RelatedKey(record_type, rest or "count")
    if record_type == "invoice" and what == "sum" and rest in INVOICE_SUMS:
        return RelatedKey(record_type, what, rest)
    if record_type == "lead" and what == "stage" and rest:
        return RelatedKey(record_type, what, rest)
    return None


def parse_move(key: str) -> tuple[str, bool] | None:
    """Stage id, and whether all deals are meant, of ``_related.lead.stage.<id>.update_all|update_first``."""
    stage, _, what = key.removeprefix("_related.lead.stage.").rpartition(".")
    if not key.startswith("_related.lead.stage.") or not stage or what not in ("update_all", "update_first"):
        return None
    return stage, what == "update_all"


def evaluate(key: RelatedKey, records: Sequence[Mapping[str, Any]], shape: RecordShape) -> Any:
    """The value of the key over all records of that type."""
    match key.what:
        case "first" | "last":
            ordered = sorted(records, key=lambda record: _age(record, shape))
            return shape.value(ordered[0 if key.what == "first" else -1], key.argument) if ordered else None
        case "count":
            return len(records)
        case "nonzero":
            return sum(_money(shape.value(record, "InvoiceTotal")) != 0 for record in records)
        case "sum":
            return _plain(
                sum((_money(shape.value(r, key.argument)) for r in _main_currency(records, shape)), Decimal())
            )
        case _:
            return any(str(shape.value(record, "StageID")) == key.argument for record in records)


def _age(record: Mapping[str, Any], shape: RecordShape) -> tuple[float, str, int, str]:
    identifier = str(at(record, shape.identifier) or "")
    created = at(record, shape.created)
    # Offsets differ (summer time), so instants are compared; Ontraport's epochs are text of one length.
    instant = parse_instant(created)
    moment, text = (instant.timestamp(), "") if instant else (0.0, str(created or ""))
    return moment, text, int(identifier) if identifier.isdecimal() else 0, identifier


def _main_currency(records: Sequence[Mapping[str, Any]], shape: RecordShape) -> Sequence[Mapping[str, Any]]:
    # Amounts of different currencies cannot be added; the one most records have is the account's own.
    if not shape.currency:
        return records
    main = Counter(at(record, shape.currency) for record in records).most_common(1)
    return [record for record in records if at(record, shape.currency) == main[0][0]]


def _money(value: Any) -> Decimal:
    try:
        return Decimal(str(value)) if value not in (None, "") else Decimal()
    except ArithmeticError:
        return Decimal()


def _plain(total: Decimal) -> int | float:
    return int(total) if total == total.to_integral_value() else float(total)
