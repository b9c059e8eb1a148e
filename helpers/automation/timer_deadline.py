"""The deadline of a countdown timer: fixed, out of a field, evergreen or rolling (spec countdown_timer)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from helpers.contract import HelperContext
from helpers.errors import ContactRequired, HelperError, PermanentFailure, StateConflict, TransientFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import ExactNumber, OptionalTrimmedText, PickedFieldKey, blank_is_default
from helpers.rules.instants import parse_instant

DEFAULT_EVERGREEN_HOURS = 24
WRITE_ATTEMPTS = 5

Mode = Annotated[Literal["standard", "contact_field", "evergreen", "dynamic"] | None, blank_is_default]
Part = Annotated[ExactNumber, Field(ge=0), blank_is_default]
_FROM_0: dict[str, Any] = {"minimum": 0}


class DeadlineConfig(FormConfig):
    """Two dialects in one: timer_mode makes it dialect B, else timer_type is read (A)."""

    timer_type: Mode = Field(default=None, description="Kind of the deadline (dialect A).")
    timer_mode: Mode = Field(default=None, description="Kind of the deadline (dialect B).")
    end_time: OptionalTrimmedText = Field(default=None, description="standard: deadline (A).")
    expire_date: OptionalTrimmedText = Field(default=None, description="standard: deadline (B).")
    contact_field: PickedFieldKey = Field(default=None, description="contact_field: field with the deadline (A).")
    timer_field: PickedFieldKey = Field(default=None, description="contact_field: field with the deadline (B).")
    add_days: Part = Field(default=Decimal(0), description="evergreen: days.", json_schema_extra=_FROM_0)
    add_hours: Part = Field(default=Decimal(0), description="evergreen: hours.", json_schema_extra=_FROM_0)
    add_minutes: Part = Field(default=Decimal(0), description="evergreen: minutes.", json_schema_extra=_FROM_0)
    duration_hours: Annotated[Annotated[ExactNumber, Field(ge=0)] | None, blank_is_default] = Field(
        default=None,
        description="dynamic: hours from now; evergreen: hours where the parts are 0.",
        json_schema_extra=_FROM_0,
    )

    @property
    def is_dialect_b(self) -> bool:
        """Whether the web form wrote it."""
        return self.timer_mode is not None

    @property
    def mode(self) -> str:
        """The kind of the deadline."""
        return self.timer_mode or self.timer_type or ""

    @property
    def deadline_field(self) -> str | None:
        """The field of mode contact_field."""
        return self.contact_field or self.timer_field

    @property
    def evergreen_seconds(self) -> Decimal:
        """Duration of an evergreen deadline."""
        seconds = self.add_days * 86_400 + self.add_hours * 3600 + self.add_minutes * 60
        if seconds == 0:
            seconds = (self.duration_hours or Decimal(0)) * 3600
        if seconds == 0 and self.is_dialect_b:
            seconds = Decimal(DEFAULT_EVERGREEN_HOURS * 3600)
        return seconds

    @model_validator(mode="after")
    def _complete(self) -> Self:
        match self.mode:
            case "":
                raise ValueError("timer_type: write standard, contact_field, evergreen or dynamic")
            case "standard" if parse_instant(self.end_time or self.expire_date) is None:
                raise ValueError("end_time: write the deadline as 2026-01-31T18:00:00Z")
            case "contact_field" if self.deadline_field is None:
                raise ValueError("contact_field: write the field with the deadline")
            case "dynamic" if self.duration_hours is None or self.duration_hours <= 0:
                raise ValueError("duration_hours: write a number above 0")
            case "evergreen" if self.evergreen_seconds <= 0:
                raise ValueError("add_days: write a duration above 0 (days, hours, minutes or duration_hours)")
        return self


DeadlineConfigT = TypeVar("DeadlineConfigT", bound=DeadlineConfig)


async def deadline_of(ctx: HelperContext[DeadlineConfigT], now: datetime, *, restarts: bool) -> datetime:
    """The deadline in UTC; ``restarts``: an evergreen one that has passed is replaced.

    Raises PermanentFailure for a field without a deadline, ContactRequired, and TransientFailure where an evergreen
    deadline could not be kept.
    """
    config = ctx.config
    match config.mode:
        case "standard":
            deadline = parse_instant(config.end_time or config.expire_date)
        case "dynamic":
            deadline = _after(now, (config.duration_hours or Decimal(0)) * 3600)
        case "evergreen":
            return await _evergreen(ctx, now, restarts=restarts)
        case _:
            if not ctx.contact_id:
                raise ContactRequired
            deadline = parse_instant(await ctx.read(str(config.deadline_field)))
    if deadline is None:
        raise PermanentFailure(f"{config.deadline_field} holds no deadline that can be read")
    return deadline


def _after(now: datetime, seconds: Decimal) -> datetime:
    try:
        return now + timedelta(seconds=float(seconds))
    except OverflowError as exc:
        raise PermanentFailure("the deadline is outside the years 1 to 9999") from exc


async def _evergreen(ctx: HelperContext[DeadlineConfigT], now: datetime, *, restarts: bool) -> datetime:
    """The contact's own deadline: kept from the first run on, however many runs come at the same time."""
    if not ctx.contact_id:
        raise ContactRequired
    key = f"timer:{ctx.account_id}:{ctx.helper_id}:{ctx.contact_id}"
    fresh = _after(now, ctx.config.evergreen_seconds)
    for _attempt in range(WRITE_ATTEMPTS):
        try:
            stored = await ctx.state.get(key)
            if stored is not None:
                kept = datetime.fromtimestamp(stored.value["expires_at"], UTC)
                if kept > now or not restarts:
                    return kept
            value = {"expires_at": int(fresh.timestamp())}
            await ctx.state.put(key, value, if_version=stored.version if stored else 0)
        except StateConflict:
            continue  # another run was first: its deadline counts
        except HelperError:
            raise
        except Exception as exc:
            raise TransientFailure(f"the deadline could not be kept: {type(exc).__name__}") from exc
        return datetime.fromtimestamp(value["expires_at"], UTC)
    raise TransientFailure("too many runs set the deadline at the same time")
