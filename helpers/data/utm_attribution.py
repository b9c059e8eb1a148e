"""UTM attribution: which visit brought the contact (spec last_click_it, UTM mode)."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field

from helpers.contract import HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag, OptionalText, empty_is_default
from helpers.rules.dates import utc_text
from helpers.rules.effects import Effects
from helpers.rules.empty import is_empty
from helpers.rules.text import to_text

UTM_PARTS = ("source", "medium", "campaign", "term", "content")


class UtmConfig(HelperConfig):
    """The parts of the attribution and where they go."""

    utm_source: OptionalText = Field(default=None, description="UTM mode: source.")
    utm_medium: OptionalText = Field(default=None, description="UTM mode: medium.")
    utm_campaign: OptionalText = Field(default=None, description="UTM mode: campaign.")
    utm_term: OptionalText = Field(default=None, description="UTM mode: term.")
    utm_content: OptionalText = Field(default=None, description="UTM mode: content.")
    field_prefix: Annotated[str, empty_is_default] = Field(default="last_click_", description="UTM mode: key prefix.")
    overwrite: Flag = Field(default=True, description="UTM mode: false keeps an existing attribution.")


UtmConfigT = TypeVar("UtmConfigT", bound=UtmConfig)


async def save_attribution(ctx: HelperContext[UtmConfigT]) -> HelperOutput:
    """Write the parts that have a value and the time. A retryable failure is raised, others fail the output."""
    config = ctx.config
    if not config.overwrite and not is_empty(await ctx.read(f"{config.field_prefix}source")):
        return HelperOutput.no_op("the contact has an attribution already")
    values = {part: _utm(ctx, part) for part in UTM_PARTS}
    values["timestamp"] = utc_text(ctx.clock.now())
    effects = Effects(ctx, transient_stops=True)
    for part in ("source", "medium", "timestamp", "campaign", "term", "content"):
        if values[part]:
            await effects.attempt(f"saving {part}", ctx.write(f"{config.field_prefix}{part}", values[part]))
    modified, actions = effects.written, effects.actions
    if effects.failures:
        return HelperOutput.failed(f"not saved: {effects.failures[0]}", modified_data=modified, actions=actions)
    return HelperOutput.ok("attribution saved", modified_data=modified, actions=actions)


def _utm(ctx: HelperContext[UtmConfigT], part: str) -> str:
    """The value of this visit before the configured one."""
    key = f"utm_{part}"
    for value in (ctx.query_params.get(key), ctx.input.get(key), getattr(ctx.config, key)):
        if text := to_text(value):
            return text
    return ""
