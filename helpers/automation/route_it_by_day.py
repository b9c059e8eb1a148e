"""route_it_by_day: choose a URL by weekday in a time zone."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import WEEKDAYS, weekday_number
from helpers.rules.instants import ZoneName, instant_text, zone_named
from helpers.rules.routing import Route, RoutingConfig, UrlMap, fallback_route, routed


class Config(RoutingConfig):
    """A URL for each day."""

    day_routes: UrlMap = Field(description="Weekday -> URL; full or three letters.")
    timezone: ZoneName = Field(default="UTC", description="IANA time zone.")


class RouteItByDay(Helper[Config]):
    """Unknown day names are accepted and never match."""

    type = "route_it_by_day"
    name = "Route It By Day"
    category = "automation"
    description = "Choose a URL by weekday in a time zone."
    routes_visitors = True
    requires_crm = False
    example = Example(
        config={"day_routes": {"Monday": "https://example.com/mon"}, "fallback_url": "https://example.com/"},
        crm={"contact": {"id": "c1"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        zone = zone_named(config.timezone)
        now = ctx.clock.now().astimezone(zone)
        day = WEEKDAYS[now.weekday()]
        url = next((url for key, url in config.day_routes.items() if weekday_number(key) == now.weekday()), None)
        route = Route(url, f"day_of_week={day}") if url is not None else fallback_route(config)
        return await routed(ctx, config, route, day_of_week=day, routed_at=instant_text(now, zone))
