"""combine_it: join fields into one. merge_it is the same with at least two sources."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, Flag, Text
from helpers.rules.in_place import computed
from helpers.rules.text import filled_text


class Config(HelperConfig):
    """What is joined, how, and where it goes."""

    source_fields: Annotated[list[FieldKey], Strict()] = Field(
        min_length=1, description="Fields to read, in this order; a field listed twice is used twice."
    )
    target_field: FieldKey = Field(description="Where the result goes; may be one of the sources.")
    separator: Text = Field(default=" ", description='Literal text between the values; "" joins without any.')
    skip_empty: Flag = Field(default=True, description="Leave empty sources out; false doubles up the separators.")


class CombineIt(Helper[Config]):
    """Values are not trimmed. With every source empty: nothing to do, unless skip_empty is off."""

    type = "combine_it"
    name = "Combine It"
    category = "contact"
    description = "Join one or more fields into one, with a separator."
    example = Example(
        config={"source_fields": ["city", "state"], "target_field": "place", "separator": ", "},
        crm={"contact": {"id": "c1", "custom_fields": {"city": "Austin", "state": "TX"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        texts = (await computed(ctx, config.source_fields, [config.target_field], lambda: _texts(ctx)))["texts"]
        if not texts:
            return HelperOutput.no_op("every source field is empty")
        joined = config.separator.join(texts)
        action = await ctx.write(config.target_field, joined)
        return HelperOutput.ok(
            f"joined {len(texts)} values into {config.target_field}",
            modified_data={config.target_field: joined},
            actions=[action],
        )


async def _texts(ctx: HelperContext[Config]) -> dict[str, Any]:
    texts = [filled_text(await ctx.read(field)) for field in ctx.config.source_fields]
    return {"texts": [text for text in texts if text or not ctx.config.skip_empty]}
