"""quote_it: wrap a field's text in quotes or delimiters."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag, NonEmptyText, empty_is_default
from helpers.rules.in_place import source_text

DELIMITERS = {
    "double": ('"', '"'),
    "single": ("'", "'"),
    "backtick": ("`", "`"),
    "parentheses": ("(", ")"),
    "brackets": ("[", "]"),
    "braces": ("{", "}"),
}
_ESCAPED = frozenset("\"'`")


class Config(HelperConfig):
    """The fields and the delimiters."""

    source_field: NonEmptyText = Field(description="Field to read.")
    target_field: NonEmptyText = Field(description="Field that receives the wrapped text.")
    quote_style: Annotated[
        Literal["double", "single", "backtick", "parentheses", "brackets", "braces", "custom"], empty_is_default
    ] = Field(default="double", description="Which delimiters.")
    custom_left: Annotated[str, Strict()] | None = Field(default=None, description="Left delimiter of custom.")
    custom_right: Annotated[str, Strict()] | None = Field(default=None, description="Right delimiter of custom.")
    escape_quotes: Flag = Field(default=False, description="Backslash-escape the quote character inside the text.")

    @property
    def delimiters(self) -> tuple[str, str]:
        """Left and right."""
        if self.quote_style == "custom":
            return self.custom_left or "", self.custom_right or ""
        return DELIMITERS[self.quote_style]

    @model_validator(mode="after")
    def _custom_complete(self) -> Self:
        if self.quote_style == "custom" and (self.custom_left is None or self.custom_right is None):
            raise ValueError("custom_left: the style custom needs custom_left and custom_right, which may be empty")
        return self


class QuoteIt(Helper[Config]):
    """An empty source yields just the delimiters."""

    type = "quote_it"
    name = "Quote It"
    category = "data"
    description = "Wrap a field's text in quotes or delimiters."
    reads_contact = False
    example = Example(
        config={"source_field": "company", "target_field": "quoted"},
        crm={"contact": {"id": "c1", "company": "Acme"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        source = await source_text(ctx, config.source_field, config.target_field)
        left, right = config.delimiters
        inner = source.replace(left, f"\\{left}") if config.escape_quotes and left in _ESCAPED else source
        quoted = f"{left}{inner}{right}"
        action = await ctx.write(config.target_field, quoted)
        modified = {
            config.target_field: quoted,
            "quote_style": config.quote_style,
            "source_text": source,
            "quoted_text": quoted,
        }
        return HelperOutput.ok(f"quoted {config.source_field}", modified_data=modified, actions=[action])
