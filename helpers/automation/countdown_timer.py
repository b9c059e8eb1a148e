"""countdown_timer: a signed countdown-timer link with a fixed, field, evergreen or rolling deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import ContactRequired, HelperError, PermanentFailure, StateConflict, TransientFailure
from helpers.rules import timer_link
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import (
    ExactNumber,
    OptionalText,
    OptionalTrimmedText,
    PickedFieldKey,
    blank_is_default,
)
from helpers.rules.effects import best_effort
from helpers.rules.instants import instant_text, parse_instant
from helpers.rules.routing import OptionalUrl
from helpers.rules.timer_link import TimerClaims

DEFAULT_EVERGREEN_HOURS = 24
WRITE_ATTEMPTS = 5

Mode = Annotated[Literal["standard", "contact_field", "evergreen", "dynamic"] | None, blank_is_default]
Part = Annotated[ExactNumber, Field(ge=0), blank_is_default]
_FROM_0: dict[str, Any] = {"minimum": 0}
Colour = Annotated[str, blank_is_default]


class Config(FormConfig):
    """Two dialects in one: timer_mode makes it dialect B, else timer_type is read (A). camelCase works everywhere."""

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
    background_color: Colour = Field(default=timer_link.BACKGROUND, description="Background.")
    digit_color: Colour = Field(default=timer_link.DIGITS, description="Digits.")
    label_color: Colour = Field(default=timer_link.LABELS, description="Labels.")
    transparent_bg: Annotated[bool, blank_is_default] = Field(default=False, description="No background.")
    save_url_field: PickedFieldKey = Field(default=None, description="Field that receives the URL.")
    timer_url_base: OptionalUrl = Field(default=None, description="Base of the link; unset = this platform's timer.")
    jwt_secret: OptionalText = Field(
        default=None, description="Signing key of self-hosted timer pages.", json_schema_extra={"writeOnly": True}
    )
    restart_when_expired: Annotated[bool | None, blank_is_default] = Field(
        default=None, description="evergreen: a new deadline after the old one; default A false, B true."
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
    def restarts(self) -> bool:
        """Whether an expired evergreen deadline is replaced."""
        return self.is_dialect_b if self.restart_when_expired is None else self.restart_when_expired

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


class CountdownTimer(Helper[Config]):
    """The link carries the deadline, signed: nobody but us can move it."""

    type = "countdown_timer"
    name = "Countdown Timer"
    category = "automation"
    description = "Signed countdown-timer link (fixed, field, evergreen or rolling deadline)."
    requires_crm = False
    example = Example(
        config={"timer_type": "dynamic", "duration_hours": 48, "jwt_secret": "a-signing-key-of-at-least-32-bytes!"},
        crm={"contact": {"id": "c1"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, now = ctx.config, ctx.clock.now()
        key = config.jwt_secret or ctx.settings.jwt_secret
        if not key:
            raise PermanentFailure("jwt_secret: there is no key to sign the timer with")
        deadline = await _deadline(ctx, now)
        url = _url(ctx, _token(ctx, key, deadline, now))
        actions = [Action(type="timer_generated", target=ctx.contact_id, value=url)]
        if config.save_url_field is not None and ctx.has_crm:
            actions += await best_effort(ctx, "saving the URL", ctx.write(config.save_url_field, url))
        return HelperOutput.ok(
            f"timer until {instant_text(deadline)}",
            modified_data={
                "timer_url": url,
                "expires_at": instant_text(deadline),
                "timer_type": config.mode,
                "mode": config.mode,
                "generated_at": instant_text(now),
                "expired": deadline <= now,
            },
            actions=actions,
        )


async def _deadline(ctx: HelperContext[Config], now: datetime) -> datetime:
    config = ctx.config
    match config.mode:
        case "standard":
            deadline = parse_instant(config.end_time or config.expire_date)
        case "dynamic":
            deadline = _after(now, (config.duration_hours or Decimal(0)) * 3600)
        case "evergreen":
            return await _evergreen(ctx, now)
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


async def _evergreen(ctx: HelperContext[Config], now: datetime) -> datetime:
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
                if kept > now or not ctx.config.restarts:
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


def _token(ctx: HelperContext[Config], key: str, deadline: datetime, now: datetime) -> str:
    config, expires_at = ctx.config, int(deadline.timestamp())
    return TimerClaims(
        contact_id=ctx.contact_id,
        account_id=ctx.account_id,
        helper_id=ctx.helper_id,
        expires_at=expires_at,
        bg_color=config.background_color,
        digit_color=config.digit_color,
        label_color=config.label_color,
        transparent_bg=config.transparent_bg,
        iat=int(now.timestamp()),
        exp=expires_at + timer_link.GRACE_SECONDS,
    ).sign(key)


def _url(ctx: HelperContext[Config], token: str) -> str:
    base = (ctx.config.timer_url_base or ctx.settings.app_url.rstrip("/") + timer_link.PATH).strip()
    parameter = "token" if ctx.config.is_dialect_b else "t"
    return f"{base}{'&' if '?' in base else '?'}{parameter}={token}"
