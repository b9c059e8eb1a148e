"""Tagging after a Zoom webinar: what zoom_webinar_absentee and zoom_webinar_participant share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, Strict

from helpers.contract import Action, HelperConfig, HelperContext
from helpers.rules.config_types import DefaultText, OptionalText, empty_is_default, without_blanks
from helpers.rules.effects import Effects
from helpers.rules.event_data import lookup
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.tag_lookup import apply_existing
from helpers.rules.text import to_text


class AttendanceConfig(HelperConfig):
    """The keys of both helpers."""

    webinar_id: OptionalText = Field(default=None, description="Webinar id; one in the input wins.")
    tag_prefix: DefaultText = Field(default="Webinar", description="First word of the tag names.")
    custom_tags: Annotated[
        list[Annotated[str, Strict()]], Strict(), BeforeValidator(without_blanks), empty_is_default
    ] = Field(default_factory=list, description="Further tags, ids or names.")
    service_connection_ids: ServiceConnections


ConfigT = TypeVar("ConfigT", bound=AttendanceConfig)


def webinar_id_of(ctx: HelperContext[ConfigT]) -> str:
    """The webinar that the execution is about, "" where nobody names one."""
    return to_text(lookup(ctx, "webinar_id")).strip()


def with_webinar_and_custom_tags(ctx: HelperContext[ConfigT], wanted: Iterable[str], webinar_id: str) -> list[str]:
    """The wanted tags, then the one that names the webinar, then the custom ones."""
    config = ctx.config
    id_tag = [f"{config.tag_prefix} ID:{webinar_id}"] if webinar_id else []
    return [*wanted, *id_tag, *config.custom_tags]


async def apply_tags(ctx: HelperContext[Any], wanted: Iterable[str]) -> list[Action]:
    """Apply those of the wanted tags that exist; the others and those that fail leave a line in the log.

    Raises when the tags cannot be read, or when the CRM refused every single wanted tag.
    """
    wanted = list(wanted)
    if not wanted:
        return []
    tags = await ctx.crm.get_tags()
    effects = Effects(ctx)
    for text in wanted:
        await apply_existing(ctx, effects, tags, text)
    if len(effects.failures) == len(wanted):
        effects.raise_common_cause()
        raise effects.failures[0]
    return effects.actions
