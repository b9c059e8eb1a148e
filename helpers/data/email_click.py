"""The last e-mail click of a contact: its window, conversion and frequency (spec last_click_it, e-mail mode)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, Strict

from helpers.contract import HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import Unsupported
from helpers.data.email_stats import AddressField, address_of, last_event
from helpers.rules.config_types import Flag, Number, OptionalText, empty_is_default, null_is_default
from helpers.rules.dates import days_before, instant_of
from helpers.rules.effects import Effects
from helpers.rules.email_history import email_events
from helpers.rules.empty import is_empty
from helpers.rules.numbers import parse_number
from helpers.rules.text import to_text

DEFAULT_PERIOD_DAYS = 7


class ConversionTracking(HelperConfig):
    """Whether the click led to a goal."""

    enabled: Flag = Field(default=False, description="Whether the goal is checked.")
    goal_name: OptionalText = Field(default=None, description="Goal that counts as conversion.")
    conversion_field: OptionalText = Field(default=None, description="Field that receives true or false.")


class ClickFrequency(HelperConfig):
    """How often the contact clicks."""

    enabled: Flag = Field(default=False, description="Whether clicks are counted.")
    analysis_period_days: Annotated[
        Number, AfterValidator(lambda days: days if days > 0 else DEFAULT_PERIOD_DAYS), empty_is_default
    ] = Field(default=DEFAULT_PERIOD_DAYS, description="Length of the period; 0 and less is the default.")
    frequency_field: OptionalText = Field(default=None, description="Field that receives the count.")


class EmailClickConfig(HelperConfig):
    """Where the click's date goes, and what else is made of it."""

    save_to: Annotated[str, Strict()] | None = Field(default=None, description="E-mail mode: field for the date.")
    email_field: AddressField = Field(default="Email", description="E-mail mode: field with the address.")
    attribution_window_days: Annotated[Number, empty_is_default] = Field(
        default=0, description="E-mail mode: only clicks within so many days; 0 = any."
    )
    click_source_field: OptionalText = Field(default=None, description='E-mail mode: field that receives "email".')
    conversion_tracking: Annotated[ConversionTracking, null_is_default] = Field(
        default=ConversionTracking(), description="E-mail mode: goal check."
    )
    click_frequency_analysis: Annotated[ClickFrequency, null_is_default] = Field(
        default=ClickFrequency(), description="E-mail mode: clicks in a period."
    )


EmailClickConfigT = TypeVar("EmailClickConfigT", bound=EmailClickConfig)


async def save_click(ctx: HelperContext[EmailClickConfigT], save_to: str) -> HelperOutput:
    """Write the click's date, then what is made of it. Raises the failure of the date, and any retryable one."""
    config, now = ctx.config, ctx.clock.now()
    address = await address_of(ctx, config.email_field)
    if not address:
        return HelperOutput.no_op(f"{config.email_field} is empty")
    value = await last_event(ctx, address, "LastClickDate")
    if is_empty(value):
        return HelperOutput.no_op("there is no click")
    text = to_text(value)
    clicked = instant_of(value)
    if clicked is None:
        ctx.log("the click date cannot be read: window and frequency are skipped")
    elif config.attribution_window_days > 0 and clicked < days_before(now, config.attribution_window_days):
        return HelperOutput.ok(
            "the click is outside the window", modified_data={"last_click_date": text, "within_window": False}
        )
    # All is read before the first write: a read that fails leaves the contact as it was (D10).
    converted = await _converted(ctx)
    clicks = None if clicked is None else await _clicks(ctx, address, now)
    action = await ctx.write(save_to, text)
    effects = Effects(ctx, transient_stops=True)
    for field, result in (
        (config.click_source_field, "email"),
        (config.conversion_tracking.conversion_field, None if converted is None else to_text(converted)),
        (config.click_frequency_analysis.frequency_field, clicks),
    ):
        if field is not None and result is not None:
            await effects.attempt(f"saving {field}", ctx.write(field, result))
    return HelperOutput.ok(
        f"last click {text}",
        modified_data={
            "last_click_date": text,
            "click_source": "email",
            "converted": bool(converted),
            "clicks_per_period": clicks or 0,
            "within_window": True,
        },
        actions=[action, *effects.actions],
    )


async def _converted(ctx: HelperContext[EmailClickConfigT]) -> bool | None:
    """Whether the goal was achieved; None where nobody asks."""
    tracking = ctx.config.conversion_tracking
    if not tracking.enabled or tracking.goal_name is None:
        return None
    try:
        return await ctx.read(f"_goal.{tracking.goal_name}.achieved") in (True, "true", 1, "1")
    except Unsupported as exc:
        ctx.log(str(exc))
        return False


async def _clicks(ctx: HelperContext[EmailClickConfigT], address: str, now: datetime) -> int | None:
    """The clicks in the last period; None where nobody asks."""
    analysis = ctx.config.click_frequency_analysis
    if not analysis.enabled:
        return None
    events = await email_events(ctx, address)
    if events is not None:
        start = days_before(now, analysis.analysis_period_days)
        return sum(1 for event in events if event.kind == "click" and start <= event.at <= now)
    total = int(parse_number(await ctx.read("click_count")) or 0)
    # The CRM's count spans about 30 days; a period beyond that holds all of it.
    return total // (int(30 // analysis.analysis_period_days) or 1)
