"""route_it_score: choose a URL by numeric score ranges."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, Strict

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import (
    ExactNumber,
    OptionalText,
    RequiredText,
    blank_is_default,
    no_select_is_default,
    to_number,
)
from helpers.rules.empty import is_blank
from helpers.rules.numbers import json_number
from helpers.rules.routing import Route, RoutingConfig, Url, fallback_route, routed

Bound = Annotated[ExactNumber | None, blank_is_default]


class ScoreRange(FormConfig):
    """A URL for scores between two bounds, both inside; a missing bound is open."""

    redirect_url: Url = Field(description="The URL (also redirectUrl).")
    label: OptionalText = Field(default=None, description="Name in the routing reason.")
    min_score: Bound = Field(default=None, description="Lowest score.")
    max_score: Bound = Field(default=None, description="Highest score.")

    def contains(self, score: Decimal) -> bool:
        """Whether the score is inside."""
        return (self.min_score is None or score >= self.min_score) and (
            self.max_score is None or score <= self.max_score
        )


class Config(RoutingConfig):
    """The field and its ranges."""

    score_field: Annotated[RequiredText, no_select_is_default] = Field(
        default="Score", description="Field of the score."
    )
    score_ranges: Annotated[list[ScoreRange], Strict()] = Field(min_length=1, description="Tried in order.")


class RouteItScore(Helper[Config]):
    """An empty score is 0; text that is no number fails the run."""

    type = "route_it_score"
    name = "Route It Score"
    category = "automation"
    description = "Choose a URL by numeric score ranges."
    routes_visitors = True
    reads_contact = False
    example = Example(
        config={"score_ranges": [{"redirect_url": "https://example.com/hot", "min_score": 50, "label": "hot"}]},
        crm={"contact": {"id": "c1", "custom_fields": {"Score": "72.5"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        score = _score(await ctx.read(config.score_field), config.score_field)
        route, label = _choose(config, score)
        return await routed(ctx, config, route, score=json_number(score), matched_label=label)


def _score(value: Any, field: str) -> Decimal:
    if is_blank(value) and not isinstance(value, list | dict):
        return Decimal(0)
    try:
        return to_number(value)
    except ValueError:
        raise PermanentFailure(f"{field} holds no number") from None


def _choose(config: Config, score: Decimal) -> tuple[Route, str]:
    shown = f"{float(score):.2f}"
    for index, entry in enumerate(config.score_ranges):
        if entry.contains(score):
            name = f"score_range={entry.label}" if entry.label else f"score_range_index={index}"
            return Route(entry.redirect_url, f"{name} ({shown})"), entry.label or ""
    return fallback_route(config, f"fallback (score={shown}, no match)"), ""
