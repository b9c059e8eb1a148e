"""email_engagement: score a contact's e-mail opens and clicks; level, segment and trend."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.notification.engagement import Days, Segments, Tags, Thresholds, TrendAnalysis, Weights, decayed_score
from helpers.rules.config_types import OptionalText, empty_is_default, null_is_default
from helpers.rules.dates import days_before, instant_of, utc_text
from helpers.rules.effects import Effects
from helpers.rules.email_history import email_events
from helpers.rules.empty import is_blank
from helpers.rules.numbers import parse_number
from helpers.rules.tags import labelled


class Config(HelperConfig):
    """All keys are optional."""

    engagement_type: Annotated[Literal["opens", "clicks", "sends", "all"], empty_is_default] = Field(
        default="all", description="Which events count."
    )
    lookback_days: Days = Field(default=Decimal(30), description="How recent an engagement has to be for a level.")
    time_decay_days: Days = Field(default=Decimal(90), description="Span over which the score loses half.")
    engagement_weights: Annotated[Weights, null_is_default] = Field(default=Weights(), description="Event weights.")
    thresholds: Annotated[Thresholds, null_is_default] = Field(default=Thresholds(), description="Level thresholds.")
    segments: Annotated[Segments, null_is_default] = Field(default=Segments(), description="Segment thresholds.")
    trend_analysis: Annotated[TrendAnalysis, null_is_default] = Field(default=TrendAnalysis(), description="Trend.")
    tags: Annotated[Tags, null_is_default] = Field(default=Tags(), description="Tag ids.")
    score_field: OptionalText = Field(default=None, description="Field for the score.")
    last_engagement_field: OptionalText = Field(default=None, description="Field for the last engagement.")
    segment_field: OptionalText = Field(default=None, description="Field for the segment.")
    trend_field: OptionalText = Field(default=None, description="Field for the trend.")


# engagement type -> (date field, count field, event name)
_SOURCES = {
    "opens": ("last_open_date", "open_count", "open"),
    "clicks": ("last_click_date", "click_count", "click"),
    "sends": ("last_send_date", "send_count", "send"),
}


class EmailEngagement(Helper[Config]):
    """A send is no engagement: in ``all`` only opens and clicks score and count as the last engagement.

    A tag that stands for the current level and for the current segment is reported once for each.
    """

    type = "email_engagement"
    name = "Email Engagement"
    category = "notification"
    description = "Score a contact's e-mail opens and clicks; level, segment and trend; tags and fields."
    supported_crms = ("keap",)
    example = Example(
        config={"score_field": "engagement", "tags": {"hot_segment_tag": "9"}},
        crm={
            "contact": {"id": "c1", "email": "ann@example.com"},
            "tags": [{"id": "9", "name": "Hot"}],
            "fields": {"open_count": 4, "click_count": 3, "last_click_date": "2026-01-14T10:00:00Z"},
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, now = ctx.config, ctx.clock.now()
        counts, last = await _read(ctx)
        weights = {name: Fraction(getattr(config.engagement_weights, name)) for name in _SOURCES}
        scoring = ("opens", "clicks") if config.engagement_type == "all" else (config.engagement_type,)
        base = sum((counts[name] * weights[name] for name in scoring), Fraction(0))
        score = decayed_score(base, last, now, Fraction(config.time_decay_days))
        recent = last is not None and last > days_before(now, config.lookback_days)
        level = config.thresholds.level(score, recent=recent)
        segment = config.segments.segment(score)
        trend = await _trend(ctx, score, last, {_SOURCES[name][2]: weights[name] for name in scoring})
        effects = Effects(ctx, transient_stops=True)
        await _tag(ctx, effects, level, segment)
        last_text = None if last is None else utc_text(last)
        for field, value in (
            (config.score_field, score),
            (config.last_engagement_field, last_text),
            (config.segment_field, segment),
            (config.trend_field, trend if config.trend_analysis.enabled else None),
        ):
            if field is not None and value is not None:
                await effects.attempt(f"saving {field}", ctx.write(field, value))
        return HelperOutput.ok(
            f"{level}, {segment}, score {score}",
            modified_data={
                "engagement_level": level,
                "engagement_score": score,
                "engagement_segment": segment,
                "engagement_trend": trend,
                "last_engagement": last_text,
            },
            actions=effects.actions,
        )


async def _read(ctx: HelperContext[Config]) -> tuple[dict[str, Fraction], datetime | None]:
    """Counts by kind, and the last engagement."""
    wanted = tuple(_SOURCES) if ctx.config.engagement_type == "all" else (ctx.config.engagement_type,)
    counts: dict[str, Fraction] = {}
    dates: list[datetime] = []
    for name in wanted:
        date_field, count_field, _event = _SOURCES[name]
        moment = instant_of(await ctx.read(date_field))
        counts[name] = Fraction(parse_number(await ctx.read(count_field)) or 0)
        if moment is not None and not (ctx.config.engagement_type == "all" and name == "sends"):
            dates.append(moment)
    return counts, max(dates, default=None)


async def _trend(ctx: HelperContext[Config], score: int, last: datetime | None, weights: Mapping[str, Fraction]) -> str:
    analysis = ctx.config.trend_analysis
    if not analysis.enabled:
        return "stable"
    # Without an address there is no history to ask for.
    events = None if is_blank(ctx.contact.email) else await email_events(ctx, ctx.contact.email)
    if events is not None:
        return analysis.of_events(events, weights, ctx.clock.now())
    return analysis.of_last(last, score, ctx.clock.now())


async def _tag(ctx: HelperContext[Config], effects: Effects, level: str, segment: str) -> None:
    tags = ctx.config.tags
    current = ((level, tags.of_level(level)), (segment, tags.of_segment(segment)))
    for label, tag in current:
        if tag is not None:
            await effects.attempt(f"apply tag {tag}", labelled(ctx.apply_tag(tag), tag, label))
    kept = {tag for _label, tag in current}
    for tag in tags.all():
        if tag not in kept:
            await effects.attempt_all(f"remove tag {tag}", _remove(ctx, tag))


async def _remove(ctx: HelperContext[Config], tag: str) -> list[Action]:
    """A removal is no action of this helper's output."""
    await ctx.remove_tag(tag)
    return []
