"""What all routing helpers share: URL values and the tail after the choice: spec automation C7 and C8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from helpers.contract import Action, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import PickedFieldKey, PickedTagRef, RequiredText, blank_is_default
from helpers.rules.effects import Effects

_ACTIVE_SCHEMES = ("javascript:", "data:", "vbscript:", "file:")
# Browsers skip these before the scheme, and line breaks and tabs inside it.
_IGNORED_BY_BROWSERS = re.compile(r"^[\x00-\x20]+|[\t\r\n]")


# URL values ---------------------------------------------------------------------------------------------------
def _without_active_scheme(url: str) -> str:
    if _IGNORED_BY_BROWSERS.sub("", url.strip()).casefold().startswith(_ACTIVE_SCHEMES):
        raise ValueError(f"write an address a visitor can be sent to, not a {url.strip().split(':')[0].lower()}: URL")
    return url


def _usable_entries(routes: Any) -> Any:
    if not isinstance(routes, Mapping):
        return routes
    return {key: url for key, url in routes.items() if isinstance(url, str) and url.strip()}


Url = Annotated[RequiredText, AfterValidator(_without_active_scheme)]
"""A required URL; schemes that run or open something local are refused."""
OptionalUrl = Annotated[Url | None, blank_is_default]
"""An optional URL; null, "" and blanks are unset."""
_Urls = dict[str, Annotated[str, Strict(), AfterValidator(_without_active_scheme)]]
UrlMap = Annotated[_Urls, Field(min_length=1), BeforeValidator(_usable_entries)]
"""key -> URL, at least one; entries with an empty URL or a value that is no text do not count."""
OptionalUrlMap = Annotated[_Urls, BeforeValidator(_usable_entries), blank_is_default]
"""key -> URL; null and "" are the default."""


# The route and what follows it --------------------------------------------------------------------------------
class RoutingConfig(FormConfig):
    """The keys that the routing helpers have in common."""

    fallback_url: OptionalUrl = Field(default=None, description="URL when no route applies; unset = the run fails.")
    save_to_field: PickedFieldKey = Field(default=None, description="Contact field that receives the chosen URL.")
    apply_tag: PickedTagRef = Field(default=None, description="Tag (id or name) to apply after routing.")


@dataclass(frozen=True, slots=True)
class Route:
    """The chosen URL and why: ``reason`` is published as routing_reason."""

    url: str
    reason: str


def fallback_route(config: RoutingConfig, reason: str = "fallback") -> Route:
    """The route to the fallback URL. Raises PermanentFailure where none is configured."""
    if config.fallback_url is None:
        raise PermanentFailure("no route applies and no fallback_url is configured")
    return Route(config.fallback_url, reason)


async def route_tail(
    ctx: HelperContext[Any],
    url: str,
    *,
    url_field: str | None,
    tag: str | None = None,
    location_field: str | None = None,
    location: str = "",
) -> list[Action]:
    """Save the location, save the URL, apply the tag, each where configured, and return what was done.

    The visitor is on the way already: a failing step is only logged. Without CRM or contact nothing is done.
    """
    effects = Effects(ctx)
    if ctx.has_crm:
        if location_field:
            await effects.attempt(f"saving the location to {location_field}", ctx.write(location_field, location))
        if url_field:
            await effects.attempt(f"saving the URL to {url_field}", ctx.write(url_field, url))
        if tag:
            await effects.attempt(f"applying tag {tag}", ctx.apply_tag(tag))
    return effects.actions


async def routed(ctx: HelperContext[Any], config: RoutingConfig, route: Route, **details: Any) -> HelperOutput:
    """Run the tail and report the route as ``contact_routed``; ``details`` complete the modified_data."""
    actions = await route_tail(ctx, route.url, url_field=config.save_to_field, tag=config.apply_tag)
    return HelperOutput.ok(
        f"routed to {route.url} ({route.reason})",
        modified_data={"redirect_url": route.url, "routing_reason": route.reason, **details},
        actions=[*actions, Action(type="contact_routed", target=ctx.contact_id, value=route.url)],
    )
