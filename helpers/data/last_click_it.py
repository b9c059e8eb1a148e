"""last_click_it: the last e-mail click with window, conversion and frequency; or UTM last-click attribution."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, Strict, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import Unsupported
from helpers.data.email_stats import AddressField, address_of, last_event
from helpers.errors import HelperError
from helpers.rules.config_types import Flag, Number, OptionalText, empty_is_default, null_is_default
from helpers.rules.dates import days_before, instant_of, utc_text
from helpers.rules.effects import Effects
from helpers.rules.empty import is_empty
from helpers.rules.numbers import parse_number
from helpers.rules.text import to_text

UTM_PARTS = ("source", "medium", "campaign", "term", "content")
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


class Config(HelperConfig):
    """E-mail mode with ``save_to``, else UTM mode with ``utm_source`` and ``utm_medium``."""

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
    utm_source: OptionalText = Field(default=None, description="UTM mode: source.")
    utm_medium: OptionalText = Field(default=None, description="UTM mode: medium.")
    utm_campaign: OptionalText = Field(default=None, description="UTM mode: campaign.")
    utm_term: OptionalText = Field(default=None, description="UTM mode: term.")
    utm_content: OptionalText = Field(default=None, description="UTM mode: content.")
    field_prefix: Annotated[str, empty_is_default] = Field(default="last_click_", description="UTM mode: key prefix.")
    overwrite: Flag = Field(default=True, description="UTM mode: false keeps an existing attribution.")

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        if self.save_to == "":
            raise ValueError("save_to: write the field that receives the date")
        if self.save_to is None and (self.utm_source is None or self.utm_medium is None):
            raise ValueError("save_to: write the field for the click date, or utm_source and utm_medium")
        return self


class LastClickIt(Helper[Config]):
    """One type with two config shapes: the earlier platform had registered it twice."""

    type = "last_click_it"
    name = "Last Click It"
    category = "data"
    description = "Store the last e-mail click, or the UTM attribution of the last click."
    reads_contact = False
    example = Example(
        config={"save_to": "last_click"},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "fields": {"_email_stats.ann@example.com.LastClickDate": "2026-01-10T08:00:00Z"},
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        return await (_store_utm(ctx) if ctx.config.save_to is None else _store_click(ctx, ctx.config.save_to))


async def _store_click(ctx: HelperContext[Config], save_to: str) -> HelperOutput:
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


async def _converted(ctx: HelperContext[Config]) -> bool | None:
    """Whether the goal was achieved; None where nobody asks."""
    tracking = ctx.config.conversion_tracking
    if not tracking.enabled or tracking.goal_name is None:
        return None
    return await _read_softly(ctx, f"_goal.{tracking.goal_name}.achieved") in (True, "true", 1, "1")


async def _clicks(ctx: HelperContext[Config], address: str, now: datetime) -> int | None:
    """The clicks in the last period; None where nobody asks."""
    analysis = ctx.config.click_frequency_analysis
    if not analysis.enabled:
        return None
    events = await _read_softly(ctx, f"_email_stats.{address}.Events")
    if isinstance(events, list):
        start = days_before(now, analysis.analysis_period_days)
        return sum(1 for event in events if _is_click_in(event, start, now))
    total = int(parse_number(await ctx.read("click_count")) or 0)
    # The CRM's count spans about 30 days; a period beyond that holds all of it.
    return total // (int(30 // analysis.analysis_period_days) or 1)


def _is_click_in(event: Any, start: datetime, end: datetime) -> bool:
    if not isinstance(event, Mapping) or event.get("type") != "click":
        return False
    at = instant_of(event.get("at"))
    return at is not None and start <= at <= end


async def _read_softly(ctx: HelperContext[Config], key: str) -> Any:
    try:
        return await ctx.read(key)
    except Unsupported as exc:
        ctx.log(str(exc))
        return None


async def _store_utm(ctx: HelperContext[Config]) -> HelperOutput:
    config = ctx.config
    if not config.overwrite and not is_empty(await ctx.read(f"{config.field_prefix}source")):
        return HelperOutput.no_op("the contact has an attribution already")
    values = {part: _utm(ctx, part) for part in UTM_PARTS}
    values["timestamp"] = utc_text(ctx.clock.now())
    actions: list[Action] = []
    failures: list[HelperError] = []
    for part in ("source", "medium", "timestamp", "campaign", "term", "content"):
        if not values[part]:
            continue
        try:
            actions.append(await ctx.write(f"{config.field_prefix}{part}", values[part]))
        except HelperError as exc:
            if exc.retryable:
                raise
            ctx.log(f"saving {part} failed: {exc}")
            failures.append(exc)
    modified = {action.target: action.value for action in actions}
    if failures:
        return HelperOutput.failed(f"not saved: {failures[0]}", modified_data=modified, actions=actions)
    return HelperOutput.ok("attribution saved", modified_data=modified, actions=actions)


def _utm(ctx: HelperContext[Config], part: str) -> str:
    """The value of this visit before the configured one."""
    key = f"utm_{part}"
    for value in (ctx.query_params.get(key), ctx.input.get(key), getattr(ctx.config, key)):
        if text := to_text(value):
            return text
    return ""
