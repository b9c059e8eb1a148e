"""Figures of a contact's invoices, as the connector answers them (spec data D13)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from helpers.errors import PermanentFailure
from helpers.rules.empty import is_blank
from helpers.rules.numbers import parse_number


def amount(value: Any) -> Fraction:
    """A count or sum; nothing is 0. Raises PermanentFailure for what is no number."""
    if is_blank(value):
        return Fraction(0)
    number = parse_number(value)
    if number is None:
        raise PermanentFailure("the CRM answered an invoice figure that is no number")
    return Fraction(number)
