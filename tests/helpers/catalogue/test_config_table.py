from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field

from helpers.catalogue.config_table import Row, rows, type_text
from helpers.catalogue.page import wrapped_json
from helpers.contract import HelperConfig


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "boolean"}, "true/false"),
        ({"type": ["string", "integer"]}, "text or integer"),
        ({"enum": ["a", "b"]}, "one of `a`, `b`"),
        ({"const": "a"}, '"a"'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, "number or text"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}], "minimum": 1, "maximum": 3}, "number or text, 1 to 3"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "list of text, at least 2"),
        ({"type": "integer", "minimum": 0, "maximum": 10}, "integer, 0 to 10"),
        ({"type": "integer", "maximum": 10}, "integer, at most 10"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number, above 0, below 1"),
        ({"type": "string", "minLength": 1}, "text"),
        ({"type": "string", "minLength": 2, "maxLength": 5}, "text, 2 to 5"),
        ({}, "any"),
    ],
)
def test_types_are_told_in_words_with_their_bounds(schema: dict[str, Any], words: str) -> None:
    """A reader needs no JSON schema."""
    assert words == type_text(schema, {})


class Inner(HelperConfig):
    """Keys of an entry."""

    name: str = Field(description="Inner name.")


class Outer(HelperConfig):
    """One key of each kind."""

    entries: list[Inner] = Field(description="Entries.")
    single: Inner | None = Field(default=None, description="One entry.")
    mode: Literal["a", "b"] = Field(default="a", description="Mode.")
    secret: str | None = Field(default=None, description="A key.", json_schema_extra={"writeOnly": True})


def test_keys_of_nested_objects_have_rows_of_their_own() -> None:
    """Their key is the path; secrets are marked."""
    assert rows(Outer.model_json_schema()) == [
        Row("entries", "list of object", "required", "Entries."),
        Row("entries[].name", "text", "required", "Inner name."),
        Row("single", "object", "unset", "One entry."),
        Row("single.name", "text", "required", "Inner name."),
        Row("mode", "one of `a`, `b`", '`"a"`', "Mode."),
        Row("secret", "text", "unset", "A key. Secret: never returned."),
    ]


def test_a_recursive_definition_is_told_once() -> None:
    """The table ends where the schema does not."""
    schema = {
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
        "properties": {"root": {"$ref": "#/$defs/Node"}},
    }

    assert [row.key for row in rows(schema)] == ["root", "root.next"]


def test_json_breaks_only_what_does_not_fit() -> None:
    """The outermost object is always broken, so that its keys stand below each other."""
    assert wrapped_json({"a": [1, 2], "b": {}}) == '{\n  "a": [1, 2],\n  "b": {}\n}'
    long = wrapped_json({"a": ["x" * 80, "y" * 80]})
    assert long.splitlines()[1] == '  "a": ['
    assert len(long.splitlines()) == 6
