"""video_trigger_it: tag, goal and timestamp on a video-watching event."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import (
    ExactNumber,
    OptionalText,
    OptionalTrimmedText,
    PickedFieldKey,
    PickedTagRef,
    RequiredText,
    blank_is_default,
)
from helpers.rules.effects import Effects
from helpers.rules.instants import instant_text
from helpers.rules.numbers import json_number, parse_number
from helpers.rules.text import to_text

PERCENT = {"view_start": 0, "25_percent": 25, "50_percent": 50, "75_percent": 75, "100_percent": 100}
EVENTS = (*PERCENT, "custom_percent")
LEVELS = {0: "Started watching", 100: "Completed video"}


class Config(FormConfig):
    """The video, the event and what follows."""

    video_id: RequiredText = Field(description="Id of the video.")
    event_type: Annotated[
        Literal["view_start", "25_percent", "50_percent", "75_percent", "100_percent", "custom_percent"] | None,
        blank_is_default,
    ] = Field(default=None, description="Event; may come with the run where video_source is set.")
    custom_percent: Annotated[ExactNumber | None, blank_is_default] = Field(
        default=None, description="Percentage of custom_percent, above 0 and at most 100."
    )
    watch_duration: Annotated[ExactNumber, blank_is_default] = Field(default=Decimal(0), description="Seconds.")
    video_title: OptionalText = Field(default=None, description="Title; default: the id.")
    apply_tag: PickedTagRef = Field(default=None, description="Tag to apply.")
    achieve_goal: OptionalTrimmedText = Field(default=None, description="Goal to achieve.")
    save_to_field: PickedFieldKey = Field(default=None, description="Field that receives the timestamp.")
    video_source: Any = Field(default=None, description="Embed setting of the web form.")

    @model_validator(mode="after")
    def _event_known(self) -> Self:
        if self.event_type is None and not self.video_source:
            raise ValueError("event_type: write the event that counts")
        if self.event_type == "custom_percent" and not (self.custom_percent and 0 < self.custom_percent <= 100):
            raise ValueError("custom_percent: write a percentage above 0 and at most 100")
        return self


class VideoTriggerIt(Helper[Config]):
    """An event that does not count has no effects and is a success."""

    type = "video_trigger_it"
    name = "Video Trigger It"
    category = "automation"
    description = "Tag, goal or timestamp on a video-watching event."
    reads_contact = False
    example = Example(
        config={"video_id": "intro", "event_type": "50_percent", "apply_tag": "9"},
        crm={"contact": {"id": "c1"}, "tags": [{"id": "9", "name": "Half way"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        event = _event(ctx)
        percent = _percentage(config, event)
        timestamp = instant_text(ctx.clock.now())
        triggered = _counts(ctx, event, percent)
        effects = Effects(ctx)
        if triggered:
            if config.save_to_field is not None:
                await effects.attempt("saving the timestamp", ctx.write(config.save_to_field, timestamp))
            if config.apply_tag is not None:
                await effects.attempt(f"applying tag {config.apply_tag}", ctx.apply_tag(config.apply_tag))
            if config.achieve_goal is not None:
                goal = ctx.achieve_goal(config.achieve_goal, "video_trigger_it")
                await effects.attempt(f"goal {config.achieve_goal}", goal)
            effects.raise_if_all_failed()
        rounded = int(percent.to_integral_value(ROUND_HALF_EVEN))
        return HelperOutput.ok(
            "triggered" if triggered else "the event does not count",
            modified_data={
                "video_id": config.video_id,
                "video_title": config.video_title or config.video_id,
                "event_type": event,
                "engagement_level": _level(event, rounded),
                "percentage_watched": json_number(percent),
                "watch_duration": json_number(_duration(ctx)),
                "timestamp": timestamp,
                "triggered": triggered,
            },
            actions=effects.actions,
        )


def _level(event: str, percent: int) -> str:
    if event == "custom_percent":
        return f"Watched {percent}%"
    return LEVELS.get(percent, f"Watched {percent}%")


def _event(ctx: HelperContext[Config]) -> str:
    for value in (ctx.config.event_type, ctx.input.get("event_type"), ctx.query_params.get("event_type")):
        if value not in (None, ""):
            event = to_text(value)
            if event in EVENTS:
                return event
            break
    raise PermanentFailure("event_type: neither the config nor the run names a known event")


def _percentage(config: Config, event: str) -> Decimal:
    if event != "custom_percent":
        return Decimal(PERCENT[event])
    if config.custom_percent is None or not 0 < config.custom_percent <= 100:
        raise PermanentFailure("custom_percent: the event needs a percentage above 0 and at most 100")
    return config.custom_percent


def _run_value(ctx: HelperContext[Config], key: str) -> Any:
    value = ctx.input.get(key)
    return ctx.query_params.get(key) if value in (None, "") else value


def _counts(ctx: HelperContext[Config], event: str, percent: Decimal) -> bool:
    watched = parse_number(_run_value(ctx, "percent_watched"))
    if watched is not None and watched < percent:
        return False
    video = _run_value(ctx, "video_id")
    if video not in (None, "") and to_text(video) != ctx.config.video_id:
        return False
    reported = _run_value(ctx, "event_type")
    return reported in (None, "") or ctx.config.event_type is None or to_text(reported) == event


def _duration(ctx: HelperContext[Config]) -> Decimal:
    reported = parse_number(_run_value(ctx, "watch_duration"))
    return ctx.config.watch_duration if reported is None else reported
