"""Values between the helpers' form and a vendor's: spec crm.md section 5.4, data D7.

Helpers see: text, numbers, booleans, lists of option labels, ``YYYY-MM-DD`` for dates, ISO 8601 for instants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import Enum
from typing import Any

from helpers.crm.models import CustomField
from helpers.rules.dates import parse_date
from helpers.rules.text import to_text

# Epochs with so many digits are milliseconds.
EPOCH_MS_DIGITS = 13
_MIDNIGHT_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?(Z|\+00:?00)")
# How helpers and stored configs say yes and no.
_TRUTH: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Kind(Enum):
    """What a field holds, whatever the vendor calls it."""

    TEXT = "text"
    DATE = "date"
    INSTANT = "instant"
    LIST = "list"
    CHOICE = "choice"
    YES_NO = "yes/no"


class DateForm(Enum):
    """How a vendor writes dates and instants."""

    ISO_Z = "YYYY-MM-DDTHH:MM:SS.000Z"
    OFFSET = "ISO 8601 with offset"
    EPOCH_SECONDS = "epoch seconds"
    EPOCH_MILLIS_OR_ISO = "read epoch ms or ISO, write ISO"


@dataclass(frozen=True, slots=True)
class ValueForm:
    """One vendor's forms. ``kinds``: its type names, lower case, to kinds; ``join``/``edge``: lists as one text.

    ``join=None`` keeps lists as JSON arrays. ``yes``/``no``: how booleans are written, None = JSON booleans.
    ``choices``: single options are written inside the edges too.
    """

    kinds: Mapping[str, Kind]
    dates: DateForm = DateForm.ISO_Z
    join: str | None = None
    edge: str = ""
    yes_no: tuple[str, str] | None = None
    edged_choices: bool = False
    text_only: bool = False

    def kind(self, field: CustomField) -> Kind:
        """What the field holds."""
        return self.kinds.get(field.field_type.lower(), Kind.TEXT)

    def read(self, field: CustomField, value: Any, labels: Mapping[str, str] | None = None) -> Any:
        """A vendor value as helpers see it; ``labels`` maps option ids to labels."""
        if value is None or value == "":
            return value
        labels = labels or {}
        match self.kind(field):
            case Kind.LIST:
                items = value if isinstance(value, list) else self._split(str(value))
                return [labels.get(str(item), item) for item in items]
            case Kind.CHOICE:
                text = self._split(str(value))[0] if self.edge and self.edge in str(value) else value
                return labels.get(str(text), text)
            case Kind.YES_NO if self.yes_no and str(value) in self.yes_no:
                return str(value) == self.yes_no[0]
            case Kind.DATE | Kind.INSTANT as kind:
                return self._read_date(value, kind)
            case _:
                return value

    def write(self, field: CustomField, value: Any, labels: Mapping[str, str] | None = None) -> Any:
        """A helper's value as the vendor stores it. ``labels`` maps option ids to labels; None and "" clear."""
        if value is None or value == "":
            return "" if self.text_only else value
        ids = {label.strip().casefold(): option for option, label in (labels or {}).items()}
        match self.kind(field):
            case Kind.LIST:
                items = (
                    list(value) if isinstance(value, list | tuple) else [part.strip() for part in str(value).split(",")]
                )
                return self._join([ids.get(to_text(item).strip().casefold(), item) for item in items])
            case Kind.CHOICE:
                chosen = ids.get(to_text(value).strip().casefold(), value)
                return f"{self.edge}{to_text(chosen)}{self.edge}" if self.edged_choices else self._plain(chosen)
            case Kind.YES_NO if self.yes_no and (said := _TRUTH.get(to_text(value).strip().casefold())) is not None:
                return self.yes_no[0] if said else self.yes_no[1]
            case Kind.DATE | Kind.INSTANT as kind:
                return self._write_date(value, kind)
            case _:
                return self._plain(value)

    def _plain(self, value: Any) -> Any:
        if self.text_only and isinstance(value, list | tuple) and self.join is not None:
            return self._join(list(value))
        return to_text(value) if self.text_only else value

    def _split(self, text: str) -> list[str]:
        if self.join is None:
            return [text]
        return [part for part in text.removeprefix(self.edge).removesuffix(self.edge).split(self.join) if part]

    def _join(self, items: list[Any]) -> Any:
        if self.join is None:
            return items
        return f"{self.edge}{self.join.join(to_text(item) for item in items)}{self.edge}" if items else ""

    def _read_date(self, value: Any, kind: Kind) -> Any:
        # A date-only value stays a date and a naive one stays naive (data D7).
        text = str(value)
        if kind is Kind.DATE and _MIDNIGHT_UTC.fullmatch(text):
            # A day that the vendor spells as an instant; taken as one, it is the day before in the Americas.
            return text[:10]
        if type(value) is int and value > 0:
            # A number, other than digits as text, is an epoch at every vendor (crm.md 5.4).
            return _read_epoch(value, value / (1000 if len(text) >= EPOCH_MS_DIGITS else 1), kind)
        if self.dates not in (DateForm.EPOCH_SECONDS, DateForm.EPOCH_MILLIS_OR_ISO) or not text.lstrip("-").isdecimal():
            return value
        if text == "0" and self.dates is DateForm.EPOCH_SECONDS:
            return None
        return _read_epoch(value, int(text) / (1 if self.dates is DateForm.EPOCH_SECONDS else 1000), kind)

    def _write_date(self, value: Any, kind: Kind) -> Any:
        parsed = parse_date(value)
        if parsed is None:
            return self._plain(value)
        if kind is Kind.DATE:
            # The calendar date as written: converting to UTC first could move it by a day.
            day = parsed.date()
            midnight = datetime.combine(day, time(), UTC)
            return str(int(midnight.timestamp())) if self.dates is DateForm.EPOCH_SECONDS else day.isoformat()
        moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        utc = moment.astimezone(UTC)
        match self.dates:
            case DateForm.EPOCH_SECONDS:
                return str(int(utc.timestamp()))
            case DateForm.OFFSET:
                return moment.isoformat(timespec="seconds")
            case DateForm.ISO_Z:
                return utc.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            case DateForm.EPOCH_MILLIS_OR_ISO:
                return _z(utc)


def _read_epoch(value: Any, seconds: float, kind: Kind) -> Any:
    try:
        instant = datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, ValueError):
        return value  # beyond the calendar, so it was no time
    return instant.date().isoformat() if kind is Kind.DATE else _z(instant)


def _z(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def note_text(title: str, body: str) -> str:
    """A note as one text, for vendors whose notes have no title."""
    return "\n\n".join(part for part in (title, body) if part)
