"""route_it_by_time: choose a URL by time of day in a time zone."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import OptionalText, TrimmedText
from helpers.rules.instants import ZoneName, instant_text, zone_named
from helpers.rules.routing import Route, RoutingConfig, Url, fallback_route, routed


def minute_of_day(text: str) -> int:
    """``9:05`` -> 545. Raises ValueError for what is no time of day."""
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError("write a time of day such as 9:00 or 17:30")
    return int(found[1]) * 60 + int(found[2])


def _time(text: str) -> str:
    minute_of_day(text)
    return text


TimeOfDay = Annotated[TrimmedText, AfterValidator(_time)]


class TimeRoute(FormConfig):
    """A URL for a part of the day; both ends are inside."""

    start_time: TimeOfDay = Field(description="First minute, H:MM or HH:MM.")
    end_time: TimeOfDay = Field(description="Last minute; earlier than the start = over midnight.")
    url: Url = Field(description="The URL.")
    label: OptionalText = Field(default=None, description="Name in the routing reason.")

    def contains(self, minute: int) -> bool:
        """Whether the minute of the day is inside."""
        start, end = minute_of_day(self.start_time), minute_of_day(self.end_time)
        return start <= minute <= end if start <= end else minute >= start or minute <= end

    @property
    def reason(self) -> str:
        """The routing reason, with the times as configured."""
        span = f"{self.start_time}-{self.end_time}"
        return f"time_range={self.label} ({span})" if self.label else f"time_range={span}"


class Config(RoutingConfig):
    """The parts of the day."""

    time_routes: Annotated[list[TimeRoute], Strict()] = Field(min_length=1, description="Tried in order.")
    timezone: ZoneName = Field(default="UTC", description="IANA time zone.")


class RouteItByTime(Helper[Config]):
    """The first range that contains the minute wins."""

    type = "route_it_by_time"
    name = "Route It By Time"
    category = "automation"
    description = "Choose a URL by time of day in a time zone."
    routes_visitors = True
    requires_crm = False
    example = Example(
        config={
            "time_routes": [{"start_time": "9:00", "end_time": "17:00", "url": "https://example.com/open"}],
            "fallback_url": "https://example.com/closed",
        },
        crm={"contact": {"id": "c1"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        zone = zone_named(config.timezone)
        now = ctx.clock.now().astimezone(zone)
        minute = now.hour * 60 + now.minute
        found = next((entry for entry in config.time_routes if entry.contains(minute)), None)
        route = Route(found.url, found.reason) if found is not None else fallback_route(config)
        return await routed(
            ctx,
            config,
            route,
            current_time=f"{now:%H:%M}",
            timezone=config.timezone,
            routed_at=instant_text(now, zone),
        )
