"""countdown_timer: a signed countdown-timer link with a fixed, field, evergreen or rolling deadline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from helpers.automation.timer_deadline import DeadlineConfig, deadline_of
from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules import timer_link
from helpers.rules.config_types import OptionalText, PickedFieldKey, blank_is_default
from helpers.rules.effects import best_effort
from helpers.rules.instants import instant_text
from helpers.rules.routing import OptionalUrl
from helpers.rules.timer_link import TimerClaims
from helpers.rules.urls import with_query

Colour = Annotated[str, blank_is_default]


class Config(DeadlineConfig):
    """Two dialects in one: timer_mode makes it dialect B, else timer_type is read (A). camelCase works everywhere."""

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
    def restarts(self) -> bool:
        """Whether an expired evergreen deadline is replaced."""
        return self.is_dialect_b if self.restart_when_expired is None else self.restart_when_expired


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
        deadline = await deadline_of(ctx, now, restarts=config.restarts)
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
    return with_query(base, {"token" if ctx.config.is_dialect_b else "t": token})
