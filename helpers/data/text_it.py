"""text_it: text operations on a field."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal, Self

import regex
from pydantic import Field, Strict, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import NonEmptyText, OptionalText, WholeNumber, empty_is_default, null_is_default
from helpers.rules.in_place import same_field, source_text


class Config(HelperConfig):
    """The operation and its arguments."""

    field: NonEmptyText = Field(description="Source field.")
    operation: Literal[
        "prepend", "append", "replace", "remove", "truncate", "extract_email_domain", "extract_numbers", "slug",
        "reverse",
    ] = Field(description="What to do.")  # fmt: skip
    value: Annotated[str, Strict()] | None = Field(default=None, description="Text to add, find or remove.")
    replace_with: Annotated[str, Strict(), null_is_default] = Field(default="", description="Replacement of replace.")
    max_length: Annotated[WholeNumber | None, empty_is_default] = Field(
        default=None, description="Characters kept by truncate.", json_schema_extra={"minimum": 0}
    )
    target_field: OptionalText = Field(default=None, description="Destination; default: the source field.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.operation in ("prepend", "append") and self.value is None:
            raise ValueError(f"value: {self.operation} needs a text, which may be empty")
        if self.operation in ("replace", "remove") and not self.value:
            raise ValueError(f"value: {self.operation} needs a text to find")
        if self.operation == "truncate" and (self.max_length is None or self.max_length < 0):
            raise ValueError("max_length: truncate needs a number, 0 or more")
        return self


class TextIt(Helper[Config]):
    """An empty source is an empty text: the operation still runs."""

    type = "text_it"
    name = "Text It"
    category = "data"
    description = "Prepend, append, replace, remove, truncate, e-mail domain, digits, slug or reverse of a field."
    reads_contact = False
    example = Example(
        config={"field": "company", "operation": "slug", "target_field": "slug"},
        crm={"contact": {"id": "c1", "company": "Café Münster"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        target = config.target_field or config.field
        source = await source_text(ctx, config.field, target)
        result = _apply(config, source)
        if result is None:
            return HelperOutput.no_op(f"{config.field} holds no e-mail address")
        if result == source and same_field(target, config.field):
            return HelperOutput.no_op(f"{config.field} stays as it is")
        action = await ctx.write(target, result)
        return HelperOutput.ok(f"{config.operation}: {config.field}", modified_data={target: result}, actions=[action])


def _apply(config: Config, text: str) -> str | None:
    """The result; None when there is nothing to extract."""
    value = config.value or ""
    match config.operation:
        case "prepend":
            return value + text
        case "append":
            return text + value
        case "replace":
            return text.replace(value, config.replace_with)
        case "remove":
            return text.replace(value, "")
        case "truncate":
            return text[: config.max_length]
        case "extract_email_domain":
            return _email_domain(text)
        case "extract_numbers":
            return _numbers(text)
        case "slug":
            return _slug(text)
        case "reverse":
            # By what a reader sees as one character.
            return "".join(reversed(regex.findall(r"\X", text)))


def _email_domain(text: str) -> str | None:
    address = text.strip()
    wrapped = re.fullmatch(r"[^<>]*<([^<>]*)>", address)
    if wrapped:
        address = wrapped[1].strip()
    local, at, domain = address.partition("@")
    if not at or "@" in domain or not local.strip() or not domain.strip():
        return None
    return domain.strip()


def _numbers(text: str) -> str:
    """All digit runs joined; a period stays only between two digits."""
    return "".join(re.findall(r"[0-9]|(?<=[0-9])\.(?=[0-9])", text))


def _slug(text: str) -> str:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
