"""name_parse_it: split a full name into first, last, suffix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, OptionalFieldKey, blank_is_default
from helpers.rules.effects import Effects
from helpers.rules.in_place import computed
from helpers.rules.text import filled_text

SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v", "phd", "md", "esq", "dds"})


class Config(HelperConfig):
    """Where the full name stands, and where its parts go."""

    source_field: FieldKey = Field(description="Field with the full name.")
    first_name_field: Annotated[FieldKey, blank_is_default] = Field(
        default="first_name", description="Field for the first name."
    )
    last_name_field: Annotated[FieldKey, blank_is_default] = Field(
        default="last_name", description="Field for everything after the first name."
    )
    suffix_field: OptionalFieldKey = Field(default=None, description="Field for a suffix such as Jr. or PhD.")


class NameParseIt(Helper[Config]):
    """The last name is written also when it is empty; the suffix only when one was found."""

    type = "name_parse_it"
    name = "Name Parse It"
    category = "contact"
    description = "Split a full name into first, last, suffix."
    example = Example(
        config={"source_field": "full_name_input", "suffix_field": "suffix"},
        crm={"contact": {"id": "c1", "custom_fields": {"full_name_input": "Doe, John Michael, Jr."}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        targets = [config.first_name_field, config.last_name_field, config.suffix_field]
        full_name = await computed(ctx, [config.source_field], filter(None, targets), lambda: _full_name(ctx))
        name = parse_name(full_name["text"])
        if name is None:
            return HelperOutput.no_op(f"{config.source_field} is empty")
        parts = [(config.first_name_field, name.first), (config.last_name_field, name.last)]
        if config.suffix_field is not None and name.suffix:
            parts.append((config.suffix_field, name.suffix))
        effects = Effects(ctx)
        for field, part in parts:
            await effects.attempt(f"write {field}", ctx.write(field, part))
        effects.raise_common_cause()
        if effects.all_failed:
            return HelperOutput.failed("no part of the name could be written")
        return HelperOutput.ok("split the name", modified_data=effects.written, actions=effects.actions)


async def _full_name(ctx: HelperContext[Config]) -> dict[str, Any]:
    return {"text": filled_text(await ctx.read(ctx.config.source_field))}


@dataclass(frozen=True, slots=True)
class ParsedName:
    """The parts of a name; ``last`` holds the middle names too."""

    first: str
    last: str = ""
    suffix: str = ""


def parse_name(text: str) -> ParsedName | None:
    """The parts of a full name, None for a text without any; "Doe, John" is turned around.

    Titles are not recognised. Needs three words to take the last one for a suffix.
    """
    words = text.split()
    suffix = ""
    if len(words) >= 3 and words[-1].lower().replace(".", "").replace(",", "") in SUFFIXES:
        suffix = words.pop().replace(",", "")
    if words:
        words[-1] = words[-1].rstrip(",")
    inverted = next((index for index, word in enumerate(words) if word.endswith(",")), None)
    if inverted is not None:
        surname = [*words[:inverted], words[inverted].removesuffix(",")]
        words = [*words[inverted + 1 :], *surname]
    words = [word for word in words if word]
    if not words:
        return None
    return ParsedName(first=words[0], last=" ".join(words[1:]), suffix=suffix)
