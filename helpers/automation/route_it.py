"""route_it: choose a URL from a list of routes; the first that applies wins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import Flag, OptionalText, RequiredText, default_when
from helpers.rules.instants import instant_text
from helpers.rules.numbers import parse_number
from helpers.rules.routing import Route, RoutingConfig, Url, fallback_route, routed
from helpers.rules.text import to_text


class Condition(FormConfig):
    """One test; all of a route have to hold."""

    source: Literal["field", "tag", "query", "input"] = Field(description="Where the value comes from.")
    key: RequiredText = Field(description="Field, tag id or name, parameter or input key.")
    operator: Literal[
        "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "exists", "not_exists",
        "gt", "gte", "lt", "lte",
    ] = Field(description="How to compare.")  # fmt: skip
    value: Any = Field(default=None, description="What to compare with.")
    case_sensitive: Flag = Field(default=False, description="Compare case.")


class RouteEntry(FormConfig):
    """A URL and the conditions under which it is chosen."""

    label: OptionalText = Field(default=None, description="Name in the routing reason.")
    redirect_url: Url = Field(alias="redirectUrl", description="The URL (also redirect_url).")
    # Conditions were only promised by the old form, which stored the empty input in several shapes.
    conditions: Annotated[list[Condition], default_when(lambda stored: not stored)] = Field(
        default=[], description="Without any: always."
    )


class Config(RoutingConfig):
    """The routes in order."""

    routes: Annotated[list[RouteEntry], Strict()] = Field(min_length=1, description="Tried in order.")


class RouteIt(Helper[Config]):
    """A route without conditions always applies.

    A field or tag that cannot be read fails the run, as in the other routing helpers: empty would be a wrong turn.
    """

    type = "route_it"
    name = "Route It"
    category = "automation"
    description = "Choose a URL from a list of routes (first route that applies)."
    routes_visitors = True
    requires_crm = False
    example = Example(
        config={"routes": [{"label": "main", "redirectUrl": "https://example.com/start"}]},
        crm={"contact": {"id": "c1"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        route, label = await _choose(ctx)
        return await routed(ctx, ctx.config, route, matched_label=label, routed_at=instant_text(ctx.clock.now()))


async def _choose(ctx: HelperContext[Config]) -> tuple[Route, str]:
    for index, entry in enumerate(ctx.config.routes):
        if await _applies(ctx, entry):
            reason = f"route_matched={entry.label}" if entry.label else f"route_index={index}"
            return Route(entry.redirect_url, reason), entry.label or ""
    return fallback_route(ctx.config), ""


async def _applies(ctx: HelperContext[Config], entry: RouteEntry) -> bool:
    for condition in entry.conditions:
        if not await _holds(ctx, condition):
            return False
    return True


async def _holds(ctx: HelperContext[Config], condition: Condition) -> bool:
    if condition.source == "tag":
        has_tag = ctx.has_crm and (await ctx.load_contact()).has_tag(condition.key)
        return {"exists": has_tag, "not_exists": not has_tag}.get(condition.operator, False)
    return compare(await _value(ctx, condition), condition)


async def _value(ctx: HelperContext[Config], condition: Condition) -> Any:
    match condition.source:
        case "query":
            return ctx.query_params.get(condition.key)
        case "input":
            return ctx.input.get(condition.key)
        case _:
            return await ctx.read(condition.key) if ctx.has_crm else None


def compare(value: Any, condition: Condition) -> bool:
    """Whether the value fits; comparisons of order need numbers on both sides, an empty text is part of nothing."""
    text, wanted = to_text(value), to_text(condition.value)
    if condition.operator in ("gt", "gte", "lt", "lte"):
        left, right = parse_number(value), parse_number(condition.value)
        if left is None or right is None:
            return False
        return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[condition.operator]
    if not condition.case_sensitive:
        text, wanted = text.casefold(), wanted.casefold()
    return {
        "equals": text == wanted,
        "not_equals": text != wanted,
        "contains": bool(wanted) and wanted in text,
        "not_contains": not wanted or wanted not in text,
        "starts_with": bool(wanted) and text.startswith(wanted),
        "ends_with": bool(wanted) and text.endswith(wanted),
        "exists": text != "",
        "not_exists": text == "",
    }[condition.operator]
