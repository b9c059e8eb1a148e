"""A config schema as table rows: key, type, default, meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_TYPE_WORDS: Mapping[str, str] = {"string": "text", "boolean": "true/false"}


@dataclass(frozen=True, slots=True)
class Row:
    """One config key; ``key`` is its path: ``rules[].points``, ``options.score_range.min``."""

    key: str
    type: str
    default: str
    meaning: str


def rows(schema: Schema) -> list[Row]:
    """A row for every key of the config, those of nested objects included."""
    return list(_rows(schema, schema.get("$defs", {}), prefix="", ancestors=()))


def _rows(node: Schema, definitions: Schema, prefix: str, ancestors: tuple[str, ...]) -> Iterator[Row]:
    required = node.get("required", ())
    for key, declared in node.get("properties", {}).items():
        nested = _nested_objects(declared, definitions)
        default = "required" if key in required else _default_text(declared, nested=bool(nested))
        meaning = declared.get("description", "")
        if declared.get("writeOnly"):
            meaning = f"{meaning} Secret: never returned.".strip()
        yield Row(f"{prefix}{key}", type_text(declared, definitions), default, meaning)
        for reference, suffix in nested:
            if reference not in ancestors:
                inner = definitions[reference]
                yield from _rows(inner, definitions, f"{prefix}{key}{suffix}", (*ancestors, reference))


def type_text(node: Schema, definitions: Schema) -> str:
    """The accepted type in words, with bounds: ``list of text or integer, at least 1``."""
    if "$ref" in node:
        return type_text(_resolve(node, definitions), definitions)
    if "const" in node:
        return json.dumps(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(f"`{value}`" for value in node["enum"])
    alternatives = node.get("anyOf") or node.get("oneOf")
    if alternatives:
        words = [type_text(choice, definitions) for choice in alternatives if choice.get("type") != "null"]
        return ", ".join([" or ".join(dict.fromkeys(words)), *_bounds(node)])
    declared = node.get("type", "any")
    if declared == "array":
        kind = "list of " + type_text(node.get("items", {}), definitions)
    else:
        kind = " or ".join(_TYPE_WORDS.get(name, name) for name in _as_list(declared))
    return ", ".join([kind, *_bounds(node)])


def _as_list(declared: str | list[str]) -> list[str]:
    return declared if isinstance(declared, list) else [declared]


def _bounds(node: Schema) -> Iterator[str]:
    for lowest, highest in (("minimum", "maximum"), ("minItems", "maxItems"), ("minLength", "maxLength")):
        low, high = node.get(lowest), node.get(highest)
        if low is not None and high is not None:
            yield f"{low} to {high}"
        elif low is not None and (lowest, low) != ("minLength", 1):
            yield f"at least {low}"
        elif high is not None:
            yield f"at most {high}"
    if "exclusiveMinimum" in node:
        yield f"above {node['exclusiveMinimum']}"
    if "exclusiveMaximum" in node:
        yield f"below {node['exclusiveMaximum']}"


def _default_text(node: Schema, *, nested: bool) -> str:
    default = node.get("default")
    if default is None or (nested and isinstance(default, dict)):
        return "unset"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _nested_objects(node: Schema, definitions: Schema) -> list[tuple[str, str]]:
    """The definitions of objects below a key, each with what its keys are prefixed by."""
    if "$ref" in node:
        name = _name(node)
        return [(name, ".")] if "properties" in definitions[name] else []
    if node.get("type") == "array":
        return [(name, f"[]{suffix}") for name, suffix in _nested_objects(node.get("items", {}), definitions)]
    choices = node.get("anyOf") or node.get("oneOf") or ()
    return [found for choice in choices for found in _nested_objects(choice, definitions)]


def _resolve(node: Schema, definitions: Schema) -> Schema:
    resolved: Schema = definitions[_name(node)]
    return resolved


def _name(node: Schema) -> str:
    return str(node["$ref"]).rsplit("/", 1)[-1]
