"""route_it_source: choose a URL by traffic or lead source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import unmangled
from helpers.rules.config_types import Flag, RequiredText, blank_is_default, no_select_is_default
from helpers.rules.routing import Route, RoutingConfig, UrlMap, fallback_route, routed
from helpers.rules.text import to_text

Mode = Literal["exact", "contains", "starts_with"]


class Config(RoutingConfig):
    """The source and its URLs."""

    source_field: Annotated[RequiredText, no_select_is_default] = Field(
        default="LeadSource", description="Contact field; also the key of the visit's data."
    )
    source_routes: UrlMap = Field(description="Source -> URL.")
    match_mode: Annotated[Mode, blank_is_default] = Field(
        default="exact", description="The source equals, contains or starts with the key."
    )
    case_sensitive: Flag = Field(default=False, description="Compare case.")


class RouteItSource(Helper[Config]):
    """The contact's field, else the visit's data. Of several matches: an exact one, the longest, the first by name."""

    type = "route_it_source"
    name = "Route It Source"
    category = "automation"
    description = "Choose a URL by traffic or lead source."
    routes_visitors = True
    reads_contact = False
    example = Example(
        config={"source_routes": {"google": "https://example.com/g"}, "match_mode": "contains"},
        crm={"contact": {"id": "c1", "custom_fields": {"LeadSource": "Google Ads"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        source = await _source(ctx)
        key = best_key(config.source_routes, source, config.match_mode, config.case_sensitive)
        route = (
            Route(config.source_routes[key], f"source_match:{key} (mode:{config.match_mode})")
            if key is not None
            else fallback_route(config)
        )
        return await routed(
            ctx,
            config,
            route,
            source=source,
            matched_source=key or "",
            match_mode=config.match_mode,
            case_sensitive=config.case_sensitive,
        )


async def _source(ctx: HelperContext[Config]) -> str:
    key = ctx.config.source_field
    for value in (await ctx.read(key), ctx.input.get(key), ctx.query_params.get(key)):
        if text := to_text(value).strip():
            return text
    return ""


def best_key(routes: dict[str, str], source: str, mode: Mode, case_sensitive: bool) -> str | None:
    """The stored key that fits best; keys as the old web form changed them count only when nothing else fits."""
    for spelling in (str, unmangled):
        fitting = [key for key in routes if _fits(source, spelling(key), mode, case_sensitive)]
        if fitting:
            identical = [key for key in fitting if spelling(key) == source]
            exact = [key for key in fitting if _fits(source, spelling(key), "exact", case_sensitive)]
            return min(identical or exact or fitting, key=lambda key: (-len(key), key))
    return None


def _fits(source: str, key: str, mode: Mode, case_sensitive: bool) -> bool:
    if not case_sensitive:
        source, key = source.casefold(), key.casefold()
    if mode == "exact":
        return source == key
    return bool(key) and (key in source if mode == "contains" else source.startswith(key))
