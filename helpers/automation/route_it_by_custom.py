"""route_it_by_custom: choose a URL by the value of a field."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import unmangled
from helpers.rules.config_types import RequiredPick
from helpers.rules.instants import instant_text
from helpers.rules.routing import Route, RoutingConfig, UrlMap, fallback_route, routed
from helpers.rules.text import to_text


class Config(RoutingConfig):
    """The field and its values."""

    field_name: RequiredPick = Field(description="Field to route by.")
    value_routes: UrlMap = Field(description="Value -> URL.")


class RouteItByCustom(Helper[Config]):
    """Exact and case-sensitive: the value, then trimmed, then against keys as the old web form changed them."""

    type = "route_it_by_custom"
    name = "Route It By Custom"
    category = "automation"
    description = "Choose a URL by the value of a field."
    routes_visitors = True
    reads_contact = False
    example = Example(
        config={"field_name": "plan", "value_routes": {"Premium": "https://example.com/vip"}},
        crm={"contact": {"id": "c1", "custom_fields": {"plan": "Premium"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        value = to_text(await ctx.read(config.field_name))
        url = _url_of(config.value_routes, value)
        route = Route(url, f"field_{config.field_name}={value}") if url is not None else fallback_route(config)
        return await routed(
            ctx,
            config,
            route,
            field_name=config.field_name,
            field_value=value,
            routed_at=instant_text(ctx.clock.now()),
        )


def _url_of(routes: dict[str, str], value: str) -> str | None:
    restored = {unmangled(key): url for key, url in routes.items()}
    for candidates in (routes, restored):
        for text in (value, value.strip()):
            if text in candidates:
                return candidates[text]
    return None
