"""word_count_it: count words or characters of a field."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.data.in_place import computed
from helpers.rules.config_types import NonEmptyText
from helpers.rules.text import to_text


class Config(HelperConfig):
    """What is counted."""

    source_field: NonEmptyText = Field(description="Field to count.")
    target_field: NonEmptyText = Field(description="Field that receives the count as text.")
    count_type: Literal["words", "characters"] = Field(description="Words, or characters with spaces.")


class WordCountIt(Helper[Config]):
    """Characters are code points; an empty field counts 0, which is written too."""

    type = "word_count_it"
    name = "Word Count It"
    category = "data"
    description = "Count words or characters of a field."
    reads_contact = False
    example = Example(
        config={"source_field": "bio", "target_field": "bio_words", "count_type": "words"},
        crm={"contact": {"id": "c1", "custom_fields": {"bio": "Hello 世界"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        count = (await computed(ctx, [config.source_field], config.target_field, lambda: _count(ctx)))["count"]
        action = await ctx.write(config.target_field, count)
        return HelperOutput.ok(
            f"{count} {config.count_type}", modified_data={config.target_field: count}, actions=[action]
        )


async def _count(ctx: HelperContext[Config]) -> dict[str, Any]:
    text = to_text(await ctx.read(ctx.config.source_field))
    return {"count": str(len(text.split()) if ctx.config.count_type == "words" else len(text))}
