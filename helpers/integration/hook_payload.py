"""What hook_it sends: the base payload, transformed fields and conditional payloads (spec hook_it v2, v3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from helpers.contract import HelperConfig, HelperContext
from helpers.rules.config_types import OptionalText, Text, blank_is_default, empty_is_default, null_is_default
from helpers.rules.fields import contact_value
from helpers.rules.templates import merge, merge_fields
from helpers.rules.text import to_text

_CONTACT_FIELDS = ("id", "first_name", "last_name", "email", "phone", "company", "job_title")


class FieldTransform(HelperConfig):
    """A contact field in another form; an entry with a blank part is skipped."""

    field: OptionalText = Field(default=None, description="Contact field.")
    transform: Annotated[Literal["uppercase", "lowercase", "trim", "hash_sha256"] | None, blank_is_default] = Field(
        default=None, description="What is done to a text."
    )
    output: OptionalText = Field(default=None, description="Key in transformed_fields.")


class PayloadRule(HelperConfig):
    """Payload that is sent when a condition holds."""

    condition_field: Text = Field(default="", description="Contact field.")
    condition_op: Annotated[
        Literal["equals", "not_equals", "contains", "not_contains", "exists", "not_exists"], blank_is_default
    ] = Field(default="equals", description="How to compare its text.")
    condition_value: Annotated[Any, null_is_default] = Field(default="", description="Value to compare with.")
    payload_data: Annotated[dict[str, Any], empty_is_default] = Field(
        default={}, description="Merged over the payload; its texts may hold {{key}}."
    )


def envelope(ctx: HelperContext[Any]) -> dict[str, Any]:
    """The keys of every payload."""
    return {
        "contact_id": ctx.contact_id,
        "account_id": ctx.account_id,
        "helper_id": ctx.helper_id,
        "timestamp": int(ctx.clock.now().timestamp()),
    }


def contact_data(ctx: HelperContext[Any]) -> dict[str, Any]:
    """The normalized contact."""
    contact = ctx.contact
    return {
        **{name: getattr(contact, name) for name in _CONTACT_FIELDS},
        "tags": [{"id": tag.id, "name": tag.name} for tag in contact.tags],
        "custom_fields": dict(contact.custom_fields),
    }


def base_payload(ctx: HelperContext[Any]) -> dict[str, Any]:
    """The payload of v2 and v4."""
    return {**envelope(ctx), "contact_data": contact_data(ctx)}


def built_payload(
    ctx: HelperContext[Any], transforms: list[FieldTransform] | None, conditional: bool, rules: list[PayloadRule]
) -> dict[str, Any]:
    """The payload of v3."""
    payload = envelope(ctx)
    if transforms:
        payload["transformed_fields"] = {
            entry.output: _transformed(contact_value(ctx.contact, entry.field), entry.transform)
            for entry in transforms
            if entry.field and entry.transform and entry.output
        }
    if not conditional:
        payload["contact_data"] = contact_data(ctx)
        return payload
    fields = merge_fields(ctx.contact)
    for rule in rules:
        if _holds(fields.get(rule.condition_field, ""), rule):
            return {**payload, **_merged(rule.payload_data, fields)}
    return payload


_TRANSFORMS: Mapping[str, Callable[[str], str]] = {
    "uppercase": str.upper,
    "lowercase": str.lower,
    "trim": str.strip,
    "hash_sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
}


def _transformed(value: Any, transform: str) -> Any:
    return _TRANSFORMS[transform](value) if isinstance(value, str) else value


def _holds(text: str, rule: PayloadRule) -> bool:
    wanted = to_text(rule.condition_value)
    return {
        "equals": text == wanted,
        "not_equals": text != wanted,
        "contains": wanted in text,
        "not_contains": wanted not in text,
        "exists": text != "",
        "not_exists": text == "",
    }[rule.condition_op]


def _merged(value: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return merge(value, fields)
    if isinstance(value, Mapping):
        return {key: _merged(inner, fields) for key, inner in value.items()}
    if isinstance(value, list):
        return [_merged(inner, fields) for inner in value]
    return value
