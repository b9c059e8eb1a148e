"""format_it: change case and trimming of a text field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import NonEmptyText, OptionalText
from helpers.rules.empty import is_empty
from helpers.rules.in_place import same_field
from helpers.rules.text import to_text

_APOSTROPHES = "'’"
# After an apostrophe these endings stay lower-case: john's, don't, I'll.
_CONTRACTIONS = frozenset({"s", "t", "d", "m", "re", "ve", "ll"})


class Config(HelperConfig):
    """Which field, which form, and where the result goes."""

    field: NonEmptyText = Field(description="Source field.")
    format: Literal[
        "uppercase", "lowercase", "title_case", "trim", "trim_uppercase", "trim_lowercase", "trim_title_case"
    ] = Field(description="The form; trim_* trims first.")
    target_field: OptionalText = Field(default=None, description="Destination; default: the source field.")


class FormatIt(Helper[Config]):
    """An empty field is left alone; so is one that has the form already, unless it is copied to another field."""

    type = "format_it"
    name = "Format It"
    category = "data"
    description = "Change case and/or trim a text field."
    reads_contact = False
    example = Example(
        config={"field": "last_name", "format": "trim_title_case"},
        crm={"contact": {"id": "c1", "last_name": " o'brien-smith "}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        value = await ctx.read(config.field)
        if is_empty(value):
            return HelperOutput.no_op(f"{config.field} is empty")
        source = to_text(value)
        result = _form(source, config.format)
        target = config.target_field or config.field
        if result == source and same_field(target, config.field):
            return HelperOutput.no_op(f"{config.field} has that form already")
        action = await ctx.write(target, result)
        return HelperOutput.ok(f"formatted {config.field}", modified_data={target: result}, actions=[action])


def title_case(text: str) -> str:
    """Every letter lower-cased except the first of a word; see data spec format_it rule 3 for what starts a word."""
    result: list[str] = []
    for index, char in enumerate(text):
        before = text[index - 1] if index else " "
        starts = before.isspace() or before == "-" or (before in _APOSTROPHES and not _is_contraction(text, index))
        result.append(_capital(char) if starts else char.lower())
    return "".join(result)


def _is_contraction(text: str, start: int) -> bool:
    end = start
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[start:end].lower() in _CONTRACTIONS


def _capital(char: str) -> str:
    # One letter for one: "ß" has no single capital and stays.
    capital = char.title()
    return capital if len(capital) == 1 else char


_CASES: dict[str, Callable[[str], str]] = {"uppercase": str.upper, "lowercase": str.lower, "title_case": title_case}


def _form(text: str, name: str) -> str:
    if name.startswith("trim"):
        text = text.strip()
        name = name.removeprefix("trim").removeprefix("_")
    return _CASES[name](text) if name else text
