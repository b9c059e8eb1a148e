"""clear_tags: remove listed tags, all tags, tags by name prefix or tags of a category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import RequiredText, TagRefs, TrimmedText
from helpers.rules.effects import Effects
from helpers.rules.tags import ids_in_category

# mode -> the one other key it needs
_KEY_OF_MODE = {"specific": "tag_ids", "prefix": "prefix", "category": "category"}
# Of any type; a key of another mode may be empty, the form stores every key.
_NOT_EMPTY: dict[str, Any] = {"minItems": 1, "minLength": 1}


class Config(HelperConfig):
    """The mode, and the key that belongs to it; keys of other modes are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"mode": {"const": mode}}},
                    "then": {"required": [key], "properties": {key: _NOT_EMPTY}},
                }
                for mode, key in _KEY_OF_MODE.items()
            ]
        }
    )

    mode: Literal["specific", "all", "prefix", "category"] = Field(
        description="specific = the tags of tag_ids; all = every tag; prefix = by name; category = by tag category."
    )
    tag_ids: TagRefs | None = Field(
        default=None, description="Tag ids or names, at least one; required in mode specific."
    )
    prefix: RequiredText | None = Field(
        default=None, description="Start of the tag name, case-sensitive, spaces kept; required in mode prefix."
    )
    category: TrimmedText | None = Field(
        default=None, description="Name of the tag category, in any case; required in mode category."
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_keys_of_other_modes(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        wanted = {"mode", _KEY_OF_MODE.get(str(values.get("mode")), "mode")}
        return {key: value for key, value in values.items() if key in wanted}

    @model_validator(mode="after")
    def _require_key_of_mode(self) -> Config:
        key = _KEY_OF_MODE.get(self.mode)
        if key is not None and not getattr(self, key):
            raise ValueError(f"mode {self.mode} needs {key}")
        return self


class ClearTags(Helper[Config]):
    """Removes one tag after the other; a tag that is gone already counts as removed."""

    type = "clear_tags"
    name = "Clear Tags"
    category = "tagging"
    description = "Remove listed tags, all tags, tags by name prefix or by tag category."
    # Mode specific removes what it is told to; the other modes load the contact.
    reads_contact = False
    example = Example(
        config={"mode": "prefix", "prefix": "Plan: "},
        crm={
            "contact": {"id": "c1", "tags": [{"id": "5", "name": "Plan: Gold"}, {"id": "6", "name": "VIP"}]},
            "tags": [{"id": "5", "name": "Plan: Gold"}, {"id": "6", "name": "VIP"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        tags = await self._selected(ctx)
        if not tags:
            return HelperOutput.no_op("the contact has no such tag")
        effects = Effects(ctx)
        for tag in tags:
            await effects.attempt(f"remove tag {tag!r}", ctx.remove_tag(tag))
        effects.raise_common_cause()
        if effects.all_failed:
            return HelperOutput.failed("no tag could be removed")
        return HelperOutput.ok(f"removed {len(effects.actions)} of {len(tags)} tags", actions=effects.actions)

    async def _selected(self, ctx: HelperContext[Config]) -> list[str]:
        config = ctx.config
        if config.tag_ids is not None:
            return config.tag_ids
        tags = (await ctx.load_contact()).tags
        if config.prefix is not None:
            tags = [tag for tag in tags if tag.name.startswith(config.prefix)]
        elif config.category is not None:
            in_category = ids_in_category(await ctx.crm.get_tags(), config.category)
            tags = [tag for tag in tags if tag.id in in_category]
        return list(dict.fromkeys(tag.id for tag in tags))
