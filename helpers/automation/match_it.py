"""match_it: compare a field with a pattern; tag on match or no match."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import re2
from pydantic import Field, Strict, model_validator

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import Flag, PickedFieldKey, PickedTagRef, RequiredPick, blank_is_default
from helpers.rules.effects import Effects
from helpers.rules.text import to_text

LONGEST_PATTERN = 1000
LONGEST_SUBJECT = 100 * 1024


def _compiled(pattern: str) -> Any:
    """Stored patterns are RE2: linear time, whatever the pattern. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        reason = exc.args[0] if exc.args else "no regular expression"
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"pattern: {text}") from exc


class Config(FormConfig):
    """The comparison and what follows."""

    source_field: RequiredPick = Field(description="Field to compare.")
    pattern: Annotated[str, Strict()] = Field(
        min_length=1, max_length=LONGEST_PATTERN, description="Text or regular expression (RE2)."
    )
    match_type: Annotated[Literal["equals", "contains", "starts_with", "ends_with", "regex"], blank_is_default] = Field(
        default="contains", description="How to compare."
    )
    case_sensitive: Flag = Field(default=False, description="Compare case; no influence on regex.")
    on_match_tag: PickedTagRef = Field(default=None, description="Tag on a match.")
    on_no_match_tag: PickedTagRef = Field(default=None, description="Tag without a match.")
    save_result_to: PickedFieldKey = Field(default=None, description="Field that receives true or false.")

    @model_validator(mode="after")
    def _valid_pattern(self) -> Self:
        if self.match_type == "regex":
            _compiled(self.pattern)
        return self


class MatchIt(Helper[Config]):
    """No match is a success too."""

    type = "match_it"
    name = "Match It"
    category = "automation"
    description = "Compare a field with a pattern; tag on match or no match."
    reads_contact = False
    example = Example(
        config={"source_field": "email", "pattern": "@example\\.com$", "match_type": "regex", "on_match_tag": "7"},
        crm={"contact": {"id": "c1", "email": "ann@example.com"}, "tags": [{"id": "7", "name": "Example"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        value = to_text(await ctx.read(config.source_field))
        matched = matches(value, config)
        effects = Effects(ctx)
        if config.save_result_to is not None:
            await effects.attempt("saving the result", ctx.write(config.save_result_to, matched))
        tag = config.on_match_tag if matched else config.on_no_match_tag
        if tag is not None:
            await effects.attempt(f"applying tag {tag}", ctx.apply_tag(tag))
        effects.raise_if_all_failed()
        return HelperOutput.ok(
            "match" if matched else "no match",
            modified_data={
                "matched": matched,
                "match_type": config.match_type,
                "pattern": config.pattern,
                "source_field": config.source_field,
                "source_value": value,
                "case_sensitive": config.case_sensitive,
            },
            actions=effects.actions,
        )


def matches(value: str, config: Config) -> bool:
    """Whether the text fits the pattern; an expression looks at the first 100 KB only."""
    if config.match_type == "regex":
        return _compiled(config.pattern).search(value[:LONGEST_SUBJECT]) is not None
    pattern = config.pattern
    if not config.case_sensitive:
        value, pattern = value.casefold(), pattern.casefold()
    return {
        "equals": value == pattern,
        "contains": pattern in value,
        "starts_with": value.startswith(pattern),
        "ends_with": value.endswith(pattern),
    }[config.match_type]
