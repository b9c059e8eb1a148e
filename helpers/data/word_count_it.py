"""word_count_it: count words or characters of a field."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import NonEmptyText
from helpers.rules.in_place import source_text


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
        text = await source_text(ctx, config.source_field, config.target_field)
        count = str(len(text.split()) if config.count_type == "words" else len(text))
        action = await ctx.write(config.target_field, count)
        return HelperOutput.ok(
            f"{count} {config.count_type}", modified_data={config.target_field: count}, actions=[action]
        )
