"""route_it_geo: choose a URL by region, then country, of an IP."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError
from helpers.rules.config_types import PickedFieldKey, RequiredText
from helpers.rules.geo import GeoLocation, locate, visitor_address
from helpers.rules.routing import OptionalUrlMap, Route, RoutingConfig, fallback_route, route_tail


class Config(RoutingConfig):
    """The address and its URLs."""

    ip_address: RequiredText = Field(description="IP literal, or the field that holds it.")
    country_routes: OptionalUrlMap = Field(default={}, description="Country code -> URL.")
    region_routes: OptionalUrlMap = Field(default={}, description="Region name or CC-REGION -> URL.")
    save_location_to: PickedFieldKey = Field(default=None, description="Contact field for the location.")


class RouteItGeo(Helper[Config]):
    """A failed look-up leads to the fallback URL where there is one."""

    type = "route_it_geo"
    name = "Route It Geo"
    category = "automation"
    description = "Choose a URL by region, then country, of an IP."
    routes_visitors = True
    requires_crm = False
    external = True
    example = Example(
        config={"ip_address": "8.8.8.8", "country_routes": {"US": "https://example.com/us"}},
        http=(
            {
                "match": {"url_contains": "ip-api.com"},
                "reply": {
                    "status": 200,
                    "json": {"status": "success", "country": "United States", "countryCode": "US"},
                },
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        place: GeoLocation | None = None
        try:
            place = await locate(ctx, await visitor_address(ctx, config.ip_address))
        except HelperError as exc:
            if config.fallback_url is None:
                raise
            ctx.log(f"the address could not be located: {exc}")
        route = _choose(config, place) if place else fallback_route(config, "geolocation_failed")
        actions = await route_tail(
            ctx,
            route.url,
            url_field=config.save_to_field,
            tag=config.apply_tag,
            location_field=config.save_location_to if place else None,
            location=place.text if place else "",
        )
        modified = {"redirect_url": route.url, "routing_reason": route.reason}
        if place:
            modified |= {
                "country": place.country,
                "country_code": place.country_code,
                "region": place.region_name,
                "city": place.city,
                "location": place.text,
            }
        target = place.country_code.lower() if place else ""
        return HelperOutput.ok(
            f"routed to {route.url} ({route.reason})",
            modified_data=modified,
            actions=[*actions, Action(type="contact_routed", target=target, value=route.url)],
        )


def _choose(config: Config, place: GeoLocation) -> Route:
    for key, url in config.region_routes.items():
        if place.in_region(key):
            return Route(url, f"region_match:{place.region_name}")
    for key, url in config.country_routes.items():
        if place.in_country(key):
            return Route(url, f"country_match:{place.country_code}")
    return fallback_route(config)
