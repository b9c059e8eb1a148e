"""Types of config keys, after contact and tagging C1/T1, data D1, automation C6 and integration C10.

    class Config(HelperConfig):
        target_field: FieldKey = Field(description="Where the result goes.")
        tag: OptionalTagRef = Field(default=None, description="Tag to apply; unset = none.")
        overwrite: Flag = Field(default=True, description="...")
        separator: Text = Field(default=" ", description="...")

The markers ``null_is_default``, ``empty_is_default``, ``blank_is_default`` and ``no_select_is_default`` make a stored
"not filled in" mean the field's default. They run before everything else: write them last.
Nothing here converts silently between text, numbers and booleans unless the type's docstring line says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, WithJsonSchema
from pydantic_core import CoreSchema, PydanticUseDefault, core_schema

HashableT = TypeVar("HashableT", bound=Hashable)

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
# Beyond this a number is a typing mistake, and turning it into an int would cost memory.
_LARGEST = Decimal("1e30")


# What "not filled in" means ---------------------------------------------------------------------------------
def default_when(is_unset: Callable[[Any], bool]) -> BeforeValidator:
    """A marker: a stored value for which ``is_unset`` holds counts as an absent key."""

    def check(value: Any) -> Any:
        if is_unset(value):
            raise PydanticUseDefault
        return value

    return BeforeValidator(check)


def _is_blank_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


null_is_default = default_when(lambda value: value is None)
empty_is_default = default_when(lambda value: value is None or value == "")
blank_is_default = default_when(_is_blank_text)
no_select_is_default = default_when(
    lambda value: _is_blank_text(value) or (isinstance(value, str) and value.strip() == "no_select")
)


# Text -------------------------------------------------------------------------------------------------------
def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("write a text, it may not be empty")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("write a text, it may not be empty or blank")
    return value


def _not_no_select(value: str) -> str:
    if value.strip() == "no_select":
        raise ValueError("choose a field")
    return value


_TEXT_SCHEMA = {"type": "string", "minLength": 1}
_WORD_SCHEMA = {"type": "string", "pattern": r"\S"}

NonEmptyText = Annotated[str, Strict(), AfterValidator(_not_empty), WithJsonSchema(_TEXT_SCHEMA)]
"""A required string that may be blanks (data D1); kept as it is."""
RequiredText = Annotated[str, Strict(), AfterValidator(_not_blank), WithJsonSchema(_WORD_SCHEMA)]
"""A required string with something to read in it (C1, C10); keeps its spaces."""
TrimmedText = Annotated[
    str, Strict(), AfterValidator(_not_blank), AfterValidator(str.strip), WithJsonSchema(_WORD_SCHEMA)
]
"""A required string, trimmed."""
RequiredPick = Annotated[
    str, Strict(), AfterValidator(_not_blank), AfterValidator(_not_no_select), WithJsonSchema(_WORD_SCHEMA)
]
"""A required field key out of a picker, whose ``no_select`` is no choice (automation C6); keeps its spaces."""
FieldKey = TrimmedText
"""A field name, key, alias or label; trimmed."""
Text = Annotated[str, Strict(), null_is_default]
"""An optional string that keeps its spaces; null is the default, "" is a value."""
DefaultText = Annotated[str, Strict(), empty_is_default]
"""A string with a default that keeps its spaces; null and "" are the default (C10)."""
OptionalText = Annotated[Annotated[str, Strict()] | None, empty_is_default]
"""An optional string that keeps its spaces; null and "" are the default."""
OptionalFieldKey = Annotated[FieldKey | None, blank_is_default]
"""An optional field key; null, "" and blanks are the default."""
PickedFieldKey = Annotated[FieldKey | None, no_select_is_default]
"""An optional field key out of a picker, which stores ``no_select`` for "none" (automation C6)."""
OptionalTrimmedText = OptionalFieldKey
"""An optional trimmed string; null, "" and blanks are the default."""


# Ids and tag references ---------------------------------------------------------------------------------------
def _id_text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("write the id as a text or an integer")  # noqa: TRY004  pydantic reports ValueError only
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal) and isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, str):
        return value
    raise ValueError("write the id as a text or an integer")


Identifier = Annotated[TrimmedText, BeforeValidator(_id_text), WithJsonSchema({"type": ["string", "integer"]})]
"""An id; an integer becomes plain decimal text, text is trimmed."""
TagRef = Identifier
"""A tag id or tag name."""
OptionalIdentifier = Annotated[Identifier | None, blank_is_default]
"""An optional id; null, "" and blanks are the default."""
OptionalTagRef = OptionalIdentifier
"""An optional tag reference; null, "" and blanks are the default."""
PickedTagRef = Annotated[TagRef | None, no_select_is_default]
"""An optional tag reference out of a picker (automation C6)."""


# Lists --------------------------------------------------------------------------------------------------------
def _without_duplicates(values: list[HashableT]) -> list[HashableT]:
    return list(dict.fromkeys(values))


distinct = AfterValidator(_without_duplicates)
"""Marker for a list: duplicates are dropped, the first one stays."""


def without_blanks(value: Any) -> Any:
    """For BeforeValidator on a list: null, "" and blank entries are skipped."""
    return [item for item in value if not _is_blank_text(item)] if isinstance(value, list) else value


FieldKeys = Annotated[list[FieldKey], Strict(), distinct]
"""A JSON array of field keys, without duplicates."""
TagRefs = Annotated[list[TagRef], Strict(), distinct]
"""A JSON array of tag references, without duplicates."""


# Booleans and numbers -----------------------------------------------------------------------------------------
def _bool_word(value: Any) -> Any:
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


Flag = Annotated[bool, Strict(), null_is_default]
"""A JSON boolean; null is the default."""
LooseFlag = Annotated[bool, Strict(), BeforeValidator(_bool_word), blank_is_default]
"""A JSON boolean or the text true/false; null and "" are the default (integration C10)."""


def to_number(value: Any) -> Decimal:
    """A JSON number or numeric text as an exact decimal. Raises ValueError for anything else."""
    problem = "write a number"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(problem)  # noqa: TRY004  pydantic reports ValueError only
    text = value.strip() if isinstance(value, str) else str(value)
    if not _NUMBER.fullmatch(text):
        raise ValueError(problem)
    number = Decimal(text)
    if abs(number) > _LARGEST:
        raise ValueError(f"{problem} of a sensible size")
    return number


def _whole(value: Any) -> int:
    number = to_number(value)
    if number != int(number):
        raise ValueError("write a whole number")
    return int(number)


def _json_number(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("write a JSON number, not a text")  # noqa: TRY004  pydantic reports ValueError only
    return value


_NUMBER_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string"}]}

ExactNumber = Annotated[Decimal, BeforeValidator(to_number), WithJsonSchema(_NUMBER_SCHEMA)]
"""A JSON number or numeric text (D1, C10), without loss."""
Number = Annotated[float, BeforeValidator(lambda value: float(to_number(value))), WithJsonSchema(_NUMBER_SCHEMA)]
"""A JSON number or numeric text (D1, C10), as a float."""
WholeNumber = Annotated[int, BeforeValidator(lambda value: int(to_number(value))), WithJsonSchema(_NUMBER_SCHEMA)]
"""A JSON number or numeric text whose fraction is cut off toward zero (D1, C10)."""
ExactWholeNumber = Annotated[int, BeforeValidator(_whole), WithJsonSchema(_NUMBER_SCHEMA)]
"""A JSON number or numeric text; one with a fraction is refused (codes, amounts of things)."""
JsonNumber = Annotated[
    float,
    BeforeValidator(lambda value: float(to_number(value))),
    BeforeValidator(_json_number),
    WithJsonSchema({"type": "number"}),
]
"""A JSON number; text is refused."""
JsonWholeNumber = Annotated[
    int,
    BeforeValidator(lambda value: int(to_number(value))),
    BeforeValidator(_json_number),
    WithJsonSchema({"type": "number"}),
]
"""A JSON number whose fraction is cut off toward zero; text is refused."""


@dataclass(frozen=True, slots=True)
class Within:
    """Marker for a number: refused outside ``low`` to ``high``, both included; the published schema tells the bounds.

    Pydantic's own ge and le would check the value too, but the types above state their schema whole, without them.
    """

    low: int | None = None
    high: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        published = dict(handler(schema))
        bounds = {name: bound for name, bound in (("minimum", self.low), ("maximum", self.high)) if bound is not None}
        choices = published.get("anyOf")
        if choices is None:
            return {**published, **bounds}
        # A numeric text is bound as well, but JSON Schema has no words for that.
        published["anyOf"] = [{**choice, **bounds} if choice.get("type") == "number" else choice for choice in choices]
        return published

    def _check(self, number: Any) -> Any:
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise ValueError(f"write a number {self._words}")
        return number

    @property
    def _words(self) -> str:
        if self.low is None:
            return f"of at most {self.high}"
        return f"of at least {self.low}" if self.high is None else f"from {self.low} to {self.high}"
